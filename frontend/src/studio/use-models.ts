import { startTransition, useCallback, useEffect, useState } from "react";
import type { ModelDetail } from "@/api/client";
import { fetchModels } from "@/api/models";
import { TroubleError, type Trouble } from "@/api/trouble";

/** The models that serve, the default one first; fetched again when the key changes or `reload` is called. */
export function useModels(key: string) {
  const [models, setModels] = useState<readonly ModelDetail[]>([]);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const leaving = new AbortController();
    setTrouble(null);
    fetchModels(key, leaving.signal).then(
      (found) => {
        // not urgent: parts of the page may still be hydrating
        startTransition(() => {
          setModels(found);
          setTrouble(null);
        });
      },
      (error: unknown) => {
        if (!leaving.signal.aborted && error instanceof TroubleError) setTrouble(error.trouble);
      },
    );
    return () => leaving.abort();
  }, [key, attempt]);

  const reload = useCallback(() => setAttempt((count) => count + 1), []);
  const dismiss = useCallback(() => setTrouble(null), []);
  return { models, trouble, reload, dismiss };
}
