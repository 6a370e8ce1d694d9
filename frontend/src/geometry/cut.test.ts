import { expect, it } from "vitest";
import { aroundFace, letterbox } from "./cut";

const SQUARE = { width: 256, height: 256 };

it("holds a whole photo", () => {
  expect(letterbox({ width: 200, height: 100 }, SQUARE)).toEqual({ x: 0, y: -50, width: 200, height: 200 });
});

it("frames a face with room for its hair, in the network's aspect", () => {
  const cut = aroundFace([100, 100, 50, 60], SQUARE);
  expect(cut.width).toBe(cut.height);
  expect(cut.x + cut.width / 2).toBe(125);
  expect(cut.y).toBeLessThan(100 - 10);
  expect(cut.y + cut.height).toBeGreaterThan(160);
  const wide = aroundFace([0, 0, 10, 10], { width: 200, height: 100 });
  expect(wide.width).toBe(2 * wide.height);
});
