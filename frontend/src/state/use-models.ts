import { useCallback, useEffect, useRef } from "react";
import { fetchModels } from "@/api/models";
import { TroubleError } from "@/api/trouble";
import type { Store } from "./store";

/** Fetches the service's models at the start. Returns what fetches them again. */
export function useModels({ dispatch, now }: Store): () => void {
  const fetching = useRef<AbortController>(null);

  const load = useCallback(async () => {
    fetching.current?.abort();
    const { signal } = (fetching.current = new AbortController());
    try {
      const models = await fetchModels(now().apiKey, signal);
      if (!signal.aborted) dispatch({ type: "models", models });
    } catch (error) {
      if (signal.aborted || !(error instanceof TroubleError)) return;
      dispatch({ type: "modelsFailed", failure: { trouble: error.trouble } });
    }
  }, [dispatch, now]);

  useEffect(() => {
    void load();
    return () => fetching.current?.abort();
  }, [load]);

  return useCallback(() => {
    dispatch({ type: "modelsFailed", failure: null });
    void load();
  }, [dispatch, load]);
}
