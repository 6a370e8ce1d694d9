import { renderHook } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { trouble } from "@/api/trouble";
import { makeStore } from "./store";
import { useActs } from "./use-acts";

vi.mock("@/api/models", () => ({ fetchModels: () => Promise.resolve([]) }));

it("says no more that a key is wrong when another one is given", () => {
  const store = makeStore();
  const { result } = renderHook(() => useActs(store));
  const tried: string[] = [];
  result.current.fail(trouble("api_key_invalid").trouble, () => tried.push(store.now().apiKey));
  result.current.setKey("good");
  expect(store.now().failure).toBeNull();
  expect(tried).toEqual(["good"]);
});
