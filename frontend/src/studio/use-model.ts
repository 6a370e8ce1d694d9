import { useCallback, useEffect, useState } from "react";
import type { ModelDetail } from "@/api/client";
import { defaultModel } from "@/api/models";
import { TroubleError, type Trouble } from "@/api/trouble";

/** The model that serves, fetched again when the key changes or `reload` is called. */
export function useModel(key: string) {
  const [model, setModel] = useState<ModelDetail | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const leaving = new AbortController();
    defaultModel(key, leaving.signal).then(
      (found) => {
        setModel(found);
        setTrouble(null);
      },
      (error: unknown) => {
        if (!leaving.signal.aborted && error instanceof TroubleError) setTrouble(error.trouble);
      },
    );
    return () => leaving.abort();
  }, [key, attempt]);

  const reload = useCallback(() => setAttempt((count) => count + 1), []);
  return { model, trouble, reload };
}
