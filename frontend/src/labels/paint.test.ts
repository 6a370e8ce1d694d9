import { expect, it } from "vitest";
import { emptyLabelMap } from "./label-map";
import { paint } from "./paint";

const CLASSES = [
  { id: 0, color: [0, 0, 0] },
  { id: 1, color: [10, 20, 30] },
  { id: 2, color: [40, 50, 60] },
];
const MAP = { ...emptyLabelMap({ width: 3, height: 1 }), ids: Uint8Array.from([0, 1, 2]) };
const CLEAR = [0, 0, 0, 0];

it("paints classes opaque and leaves the background clear", () => {
  const pixels = paint(MAP, { classes: CLASSES, hidden: new Set() });
  expect([...pixels]).toEqual([...CLEAR, 10, 20, 30, 255, 40, 50, 60, 255]);
});

it("leaves out what is switched off", () => {
  const pixels = paint(MAP, { classes: CLASSES, hidden: new Set([1]) });
  expect([...pixels]).toEqual([...CLEAR, ...CLEAR, 40, 50, 60, 255]);
});
