import { describe, expect, it } from "vitest";
import { FITTED, lookAt, MOST_ZOOM, movedBy, oneToOne, photoBox, toPhoto, visibleSpan, zoomAt } from "./view";

const STAGE = { width: 400, height: 200 };
const PHOTO = { width: 100, height: 100 };

it("fits a photo in the middle of the stage", () => {
  expect(photoBox(FITTED, STAGE, PHOTO)).toEqual({ x: 100, y: 0, width: 200, height: 200 });
  expect(visibleSpan(FITTED, STAGE, PHOTO)).toEqual({ left: 100, right: 300 });
});

describe("zoomAt", () => {
  it("keeps the point under the pointer", () => {
    const at = { x: 180, y: 60 };
    const before = toPhoto(at, FITTED, STAGE, PHOTO);
    const view = zoomAt(FITTED, 4, at, STAGE, PHOTO);
    const after = toPhoto(at, view, STAGE, PHOTO);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it("stays between the whole photo, or one pixel to one where that is less, and sixteenfold", () => {
    expect(zoomAt(FITTED, 0.1, { x: 0, y: 0 }, STAGE, { width: 1000, height: 1000 })).toEqual(FITTED);
    expect(zoomAt(FITTED, 0.1, { x: 0, y: 0 }, STAGE, PHOTO)).toEqual({ zoom: 0.5, x: 0, y: 0 });
    expect(zoomAt(FITTED, 1e6, { x: 0, y: 0 }, STAGE, PHOTO).zoom).toBe(MOST_ZOOM);
  });
});

it("knows one pixel to one", () => {
  expect(oneToOne(STAGE, PHOTO, 1)).toBe(0.5);
  expect(oneToOne(STAGE, PHOTO, 2)).toBe(0.25);
});

it("does not pan a photo that fits", () => {
  expect(movedBy(FITTED, 50, -50, STAGE, PHOTO)).toEqual(FITTED);
});

it("looks at a face", () => {
  const view = lookAt({ x: 40, y: 35, width: 20, height: 20 }, STAGE, PHOTO);
  const centre = toPhoto({ x: 200, y: 100 }, view, STAGE, PHOTO);
  expect(centre.x).toBeCloseTo(50);
  expect(centre.y).toBeCloseTo(45);
  expect(view.zoom).toBeGreaterThan(2);
});
