import { expect, it } from "vitest";
import { emptyLabelMap } from "./label-map";
import { outlinesOf } from "./outlines";

const mapOf = (rows: string[], step = 1) => ({
  ...emptyLabelMap({ width: rows[0]!.length * step, height: rows.length * step }, step),
  ids: Uint8Array.from(rows.join(""), Number),
});

it("goes once around a part, through the middles of its border, without the points in a row", () => {
  const paths = outlinesOf(mapOf(["0000", "0110", "0110", "0000"]));
  expect([...paths.keys()]).toEqual([1]);
  expect(paths.get(1)).toBe("M1.5 1 2.5 1 3 1.5 3 2.5 2.5 3 1.5 3 1 2.5 1 1.5 Z");
});

it("goes around a hole too, and around what touches at a corner alone", () => {
  expect(
    outlinesOf(mapOf(["111", "101", "111"]))
      .get(1)!
      .split("Z"),
  ).toHaveLength(3);
  expect(
    outlinesOf(mapOf(["100", "010", "000"]))
      .get(1)!
      .split("Z"),
  ).toHaveLength(3);
});

it("is closed where two parts touch, and at the photo's edge", () => {
  const paths = outlinesOf(mapOf(["12"]));
  expect(paths.get(1)).toBe("M0.5 0 1 0.5 0.5 1 0 0.5 Z");
  expect(paths.get(2)).toBe("M1.5 0 2 0.5 1.5 1 1 0.5 Z");
});

it("is in the photo's pixels", () => {
  expect(outlinesOf(mapOf(["1"], 4)).get(1)).toBe("M2 0 4 2 2 4 0 2 Z");
});
