import {
  createContext,
  use,
  useCallback,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import type { ReactNode } from "react";
import type { ModelDetail } from "@/api/client";
import { trouble } from "@/api/trouble";
import { ScriptMissing } from "@/lib/later";
import { modelFor } from "./model-for";
import { remembered } from "./remembered";
import { EMPTY, type StudioState } from "./state";
import { makeStore, type Store } from "./store";
import { useActs, type Acts } from "./use-acts";
import { useFreedPictures } from "./use-freed-pictures";
import { useOffline } from "./use-offline";
import { useSendingGate } from "./use-sending-gate";

export interface Studio {
  state: StudioState;
  act: Acts;
  /** The model whose classes are shown: that of the result, else the one that parses next. */
  model: ModelDetail | null;
}

/** Never changes: a changing context would reach parts of the page that React has not hydrated yet. */
export const StudioContext = createContext<{ store: Store; act: Acts } | null>(null);

/** What the page shows and what can be done with it. */
export function useStudio(): Studio {
  const studio = use(StudioContext);
  if (!studio) throw new Error("no StudioProvider");
  const { store, act } = studio;
  const state = useSyncExternalStore(store.subscribe, store.now, () => EMPTY);
  return { state, act, model: shownModel(state) };
}

export function StudioProvider({ children }: { children: ReactNode }) {
  const [store] = useState(makeStore);
  const act = useActs(store);
  useFreedPictures(store);
  useOffline(store);
  useSendingGate(store);

  // before anything can be clicked or dropped; the exported page knows no visitor. Without news it stays as
  // it was exported: else each part, as soon as it works, would be rendered once more, all at once
  useLayoutEffect(() => {
    const chosen = remembered();
    if (chosen) store.dispatch({ type: "chose", ...chosen });
  }, [store]);

  const studio = useMemo(() => ({ store, act }), [store, act]);
  const tellMissing = useCallback(() => act.fail(trouble("script_missing").trouble), [act]);
  return (
    <StudioContext value={studio}>
      <ScriptMissing value={tellMissing}>{children}</ScriptMissing>
    </StudioContext>
  );
}

function shownModel({ models, result, model, where }: StudioState): ModelDetail | null {
  return modelFor(models, result?.task ?? { model, where });
}
