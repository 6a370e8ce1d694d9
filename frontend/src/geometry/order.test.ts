import { expect, it } from "vitest";
import { leftToRight } from "./order";

it("orders boxes by their middles", () => {
  expect(
    leftToRight([
      [50, 0, 10, 10],
      [0, 0, 100, 10],
      [0, 90, 20, 10],
      [5, 20, 10, 10],
    ]),
  ).toEqual([3, 2, 1, 0]);
});
