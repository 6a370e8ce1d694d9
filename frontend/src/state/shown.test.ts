import { expect, it } from "vitest";
import { unseen } from "./shown";

const CLASSES = [{ id: 0 }, { id: 1 }, { id: 2 }, { id: 3 }];

it("is what is switched off", () =>
  expect([...unseen({ hidden: new Set([2]), solo: null }, CLASSES)]).toEqual([2]));
it("is all but the one that is kept, even one switched off", () =>
  expect([...unseen({ hidden: new Set([2]), solo: 2 }, CLASSES)]).toEqual([1, 3]));
