import type { ReactNode } from "react";
import { EMPTY, type StudioState } from "./state";
import { makeStore } from "./store";
import { StudioContext } from "./studio-context";
import type { Acts } from "./use-acts";

/** For component tests: children in a studio of this state, whose other acts do nothing. */
export function inStudio(children: ReactNode, change: Partial<StudioState>, acts: Partial<Acts> = {}) {
  const state = { ...EMPTY, ...change };
  const store = { ...makeStore(), now: () => state };
  const nothing = () => undefined;
  const act = new Proxy(acts, { get: (target, name: keyof Acts) => target[name] ?? nothing }) as Acts;
  return <StudioContext value={{ store, act }}>{children}</StudioContext>;
}
