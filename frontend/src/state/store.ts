import { EMPTY, studioReducer, type StudioAction, type StudioState } from "./state";

/** The page's state, outside React: work that goes on between renders reads it as it is at that moment. */
export interface Store {
  now: () => StudioState;
  dispatch: (action: StudioAction) => void;
  /** Calls `tell` after every change, until what is returned is called. */
  subscribe: (tell: () => void) => () => void;
}

export function makeStore(): Store {
  let state = EMPTY;
  const listeners = new Set<() => void>();
  return {
    now: () => state,
    dispatch: (action) => {
      state = studioReducer(state, action);
      for (const tell of listeners) tell();
    },
    subscribe: (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
  };
}
