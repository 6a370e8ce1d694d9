import { describe, expect, it } from "vitest";
import { coarser, countIds, emptyLabelMap, idAt, inPhoto, stepFor } from "./label-map";

const SIZE = { width: 4, height: 3 };

it("puts the labels of a part in the photo's place", () => {
  const part = { ...emptyLabelMap({ width: 2, height: 1 }), ids: Uint8Array.from([7, 8]) };
  expect([...inPhoto(part, { x: 1, y: 2 }, SIZE).ids]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 0]);
});

describe("idAt", () => {
  const map = { ...emptyLabelMap(SIZE), ids: Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) };

  it("finds the id under a point", () => expect(idAt(map, 2.9, 1.1)).toBe(6));
  it("finds nothing beyond the photo", () => {
    expect(idAt(map, -0.1, 0)).toBeUndefined();
    expect(idAt(map, 4, 0)).toBeUndefined();
  });
});

it("chooses a step that bounds the labels", () => {
  expect(stepFor(512, 512)).toBe(1);
  expect(stepFor(3200, 2400)).toBe(1);
  expect(stepFor(4000, 3000)).toBe(2);
  expect(stepFor(8000, 6000)).toBe(3);
});

it("keeps every second place both ways", () => {
  const map = {
    ...emptyLabelMap({ width: 3, height: 3 }),
    ids: Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8]),
  };
  expect(coarser(map, 2)).toEqual({
    ...emptyLabelMap({ width: 3, height: 3 }, 2),
    ids: Uint8Array.from([0, 2, 6, 8]),
  });
});

it("counts ids", () => {
  const map = { ...emptyLabelMap({ width: 2, height: 2 }), ids: Uint8Array.from([1, 1, 0, 3]) };
  expect([...countIds(map, [{ id: 0 }, { id: 1 }, { id: 2 }])]).toEqual([
    [0, 1],
    [1, 2],
    [2, 0],
  ]);
});
