import { describe, expect, it } from "vitest";
import type { Face } from "@/api/client";
import { labelsOfFace } from "@/device/of-face";
import { emptyLabelMap } from "@/labels/label-map";
import type { Result } from "@/results/result";
import { figuresOf, labelsShown } from "./face-labels";

/** A face that looks straight ahead: eyes `apart` pixels apart, the mouth as far below. */
function faceAt(x: number, y: number, apart: number): Face {
  const eyes = [x - apart / 2, x + apart / 2];
  return {
    number: 1,
    classes: [],
    box: [x - apart, y - apart, 2 * apart, 2.5 * apart],
    score: 0.9,
    landmarks: {
      left_eye: [eyes[0]!, y],
      right_eye: [eyes[1]!, y],
      nose: [x, y + apart / 2],
      left_mouth_corner: [eyes[0]!, y + apart],
      right_mouth_corner: [eyes[1]!, y + apart],
    },
  };
}

const SIZE = { width: 100, height: 40 };
const all = (id: number, step = 1) => {
  const map = emptyLabelMap(SIZE, step);
  return { ...map, ids: map.ids.fill(id) };
};
const columnsOf = ({ ids, width }: { ids: Uint8Array; width: number }) =>
  [...ids.subarray(0, width)].flatMap((id, x) => (id ? [x] : []));

describe("labelsOfFace", () => {
  it("divides what lies between two equal faces in the middle", () => {
    const faces = [faceAt(30, 18, 8), faceAt(70, 18, 8)];
    expect(columnsOf(labelsOfFace(all(1), faces, 0)).at(-1)).toBe(49);
    expect(columnsOf(labelsOfFace(all(1), faces, 1))[0]).toBe(50);
  });
  it("gives the larger face more, by the size of its cut", () => {
    const faces = [faceAt(30, 18, 12), faceAt(70, 18, 4)];
    expect(columnsOf(labelsOfFace(all(1), faces, 0)).at(-1)!).toBeGreaterThan(55);
  });
  it("gives every label to exactly one face, also where only every second one is there", () => {
    const faces = [faceAt(20, 18, 8), faceAt(50, 10, 5), faceAt(80, 25, 9)];
    const sum = faces.reduce(
      (count, _, index) => count + labelsOfFace(all(1, 2), faces, index).ids.filter(Boolean).length,
      0,
    );
    expect(sum).toBe(50 * 20);
  });
  it("leaves a single face all of them", () => {
    const labels = all(1);
    expect(labelsOfFace(labels, [faceAt(20, 18, 8)], 0)).toBe(labels);
  });
});

it("is the same object for the same face", () => {
  const result = { labels: all(1), faces: [faceAt(30, 18, 8), faceAt(70, 18, 8)] };
  expect(labelsShown(result, 1)).toBe(labelsShown(result, 1));
  expect(labelsShown(result, null)).toBe(result.labels);
});

describe("figuresOf", () => {
  const labels = all(1);
  labels.ids.subarray(0, 100).fill(2);
  const result = {
    labels,
    size: SIZE,
    faces: [faceAt(30, 18, 8), faceAt(70, 18, 8)],
    classes: [
      { id: 0, share: 0.5, confidence: null },
      { id: 1, share: 0.375, confidence: 1 },
      { id: 2, share: 0.125, confidence: 1 },
    ],
  } as unknown as Result;

  it("are of all faces, the background left out", () => {
    expect(Object.fromEntries(figuresOf(result, null))).toEqual({
      1: { pixels: 1500, share: 0.75 },
      2: { pixels: 500, share: 0.25 },
    });
  });
  it("are of the chosen face", () => {
    const found = figuresOf(result, 0);
    expect(found.get(2)).toEqual({ pixels: 50, share: 50 / 2000 });
  });
});
