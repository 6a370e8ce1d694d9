import { expect, it } from "vitest";
import { LEAST_SIDE, middlePart, movedPart, partBetween, pulledPart, scaledPart } from "./part";

const PHOTO = { width: 400, height: 300 };
const PART = { x: 100, y: 80, width: 120, height: 90 };

it("is what lies between two points, whichever came first, and never beyond the photo", () => {
  const box = { x: 10, y: 20, width: 90, height: 60 };
  expect(partBetween({ x: 10, y: 20 }, { x: 100, y: 80 }, PHOTO)).toEqual(box);
  expect(partBetween({ x: 100, y: 20 }, { x: 10, y: 80 }, PHOTO)).toEqual(box);
  expect(partBetween({ x: -50, y: -50 }, { x: 900, y: 900 }, PHOTO)).toEqual({ x: 0, y: 0, ...PHOTO });
  expect(middlePart(PHOTO)).toEqual({ x: 100, y: 75, width: 200, height: 150 });
});

it("has sides that can be parsed, and all of a photo that is smaller", () => {
  const speck = partBetween({ x: 398, y: 299 }, { x: 399, y: 299 }, PHOTO);
  expect(speck).toEqual({ x: 368, y: 268, width: LEAST_SIDE, height: LEAST_SIDE });
  const tiny = { width: 20, height: 10 };
  expect(partBetween({ x: 3, y: 3 }, { x: 4, y: 4 }, tiny)).toEqual({ x: 0, y: 0, ...tiny });
});

it("stays in the photo when it is moved", () => {
  expect(movedPart(PART, 1000, -1000, PHOTO)).toEqual({ ...PART, x: 280, y: 0 });
});

it.each([
  ["right", "bottom", 40, 30, { x: 100, y: 80, width: 160, height: 120 }],
  ["left", "top", 40, 30, { x: 140, y: 110, width: 80, height: 60 }],
  ["left", "bottom", -20, 10, { x: 80, y: 80, width: 140, height: 100 }],
  ["right", "top", 5, 5, { x: 100, y: 85, width: 125, height: 85 }],
  ["right", "bottom", -900, -900, { x: 100, y: 80, width: LEAST_SIDE, height: LEAST_SIDE }],
  [
    "left",
    "top",
    900,
    900,
    { x: 220 - LEAST_SIDE, y: 170 - LEAST_SIDE, width: LEAST_SIDE, height: LEAST_SIDE },
  ],
  ["right", "bottom", 900, 900, { x: 100, y: 80, width: 300, height: 220 }],
] as const)("keeps the corner opposite of the %s %s one", (x, y, dx, dy, expected) => {
  expect(pulledPart(PART, { x, y }, dx, dy, PHOTO)).toEqual(expected);
});

it("grows about its middle as far as the photo goes", () => {
  expect(scaledPart(PART, 1.5, PHOTO)).toEqual({ x: 70, y: 58, width: 180, height: 135 });
  expect(scaledPart(PART, 100, PHOTO)).toEqual({ x: 0, y: 0, ...PHOTO });
});
