import { describe, expect, it } from "vitest";
import { boundsOf, type Affine } from "@/geometry/affine";
import { confidenceOf } from "./confidence";
import { Octaves } from "./finder/views";
import { clear, paste } from "./paste";
import type { Raster } from "./raster";
import reference from "./reference.json";
import { regionsOf, type LabelRegion } from "@/labels/regions";
import { sample } from "./sample";
import { upsample, type Logits } from "./upsample";
import { gridAround, merged, partOf, reaching } from "./wide";

interface Case {
  width: number;
  height: number;
  input: number;
  cut: Affine;
  crop: number[];
  labels: string;
  regions: LabelRegion[];
  confidence: (number | null)[];
}

const TEMPERATURES = [1.3, 0.8, 1.7, 1, 2.1];

/**
 * reference.json holds what ml_core makes of the photo and the logits drawn
 * below; scripts/device-reference.py writes it.
 */
const { cases, together, stripe, octave } = reference as unknown as {
  cases: readonly Case[];
  together: { reaches: number[][]; wide: Affine[]; cuts: Affine[]; merged: number[]; labels: string };
  stripe: { cut: Affine; merged: number[] };
  octave: readonly number[];
};
const HOMES: readonly Affine[] = [
  [40, 10, 4, -10, 40, 12],
  [44, -6, 30, 6, 44, 2],
];

describe.each(cases)(
  "$width x $height at $input",
  ({ width, height, input, cut, crop, labels, regions, confidence }) => {
    const photo = drawPhoto(width, height);
    const size = { width: input, height: input };

    it("gives the network what the service gives it", () => {
      expectNearly(sample(photo, cut, size), crop);
    });

    it("reads the logits as the service does", () => {
      const { left, top, right, bottom } = boundsOf(cut, photo);
      const found = upsample(drawLogits(8, 8, 5), cut, { left, top, right, bottom });
      const all = new Uint8Array(width * height);
      for (let y = top; y < bottom; y += 1) {
        const line = found.subarray((y - top) * (right - left), (y - top + 1) * (right - left));
        all.set(line, y * width + left);
      }
      expectEqual(all, labels);
    });

    const known = { image: photo, step: 1, width, height, ids: Uint8Array.from(labels, Number) };
    it("describes the classes as the service does", () => {
      expect(regionsOf(known)).toEqual(regions);
    });

    it("is as sure as the service", () => {
      confidenceOf([drawLogits(8, 8, 5)], known, TEMPERATURES).forEach((found, id) => {
        const expected = confidence[id] ?? null;
        if (expected === null) expect(found).toBeNull();
        else expect(found).toBeCloseTo(expected, 5);
      });
    });
  },
);

it("looks wider and pastes two faces as the service does", () => {
  const photo = { width: 90, height: 60 };
  const looks = [drawLogits(8, 8, 5), flipped(drawLogits(8, 8, 5), "x")].map((logits, index) => {
    const home = HOMES[index]!;
    const reaches = reaching(logits, home, photo);
    expect(reaches).toEqual(together.reaches[index]);
    const grid = gridAround(home, photo, logits);
    partOf(home, grid, logits).forEach((value, at) =>
      expect(value).toBeCloseTo(together.wide[index]![at]!, 9),
    );
    const wide = flipped(drawLogits(8, 8, 5), "y");
    wide.values.forEach((value, at) => (wide.values[at] = 2.5 * value));
    const found = merged(logits, home, wide, grid, reaches)!;
    found.cut.forEach((value, at) => expect(value).toBeCloseTo(together.cuts[index]![at]!, 9));
    return { ...found, home };
  });
  looks[0]!.logits.values.forEach((value, at) => expect(value).toBeCloseTo(together.merged[at]!, 3));
  const labels = paste(looks, photo);
  clear(labels, [{ x: 20.2, y: 10.6, width: 30, height: 24 }], [1, 3]);
  expectEqual(labels.ids, together.labels);
});

it("takes as little of a wider look as the service does", () => {
  const home: Affine = [20, 0, 20, 0, 20, 10];
  const grid = gridAround(home, { width: 60, height: 60 }, { width: 8, height: 8 });
  const found = merged(drawStripe(5), home, drawStripe(3), grid, [1])!;
  found.cut.forEach((value, at) => expect(value).toBeCloseTo(stripe.cut[at]!, 9));
  found.logits.values.forEach((value, at) => expect(value).toBeCloseTo(stripe.merged[at]!, 3));
  expect(found.logits.values).toHaveLength(stripe.merged.length);
});

it("gives the finder what the service gives it", () => {
  const cut: Affine = [150, 0, -20, 0, 130, -20];
  expectNearly(new Octaves(drawPhoto(110, 97)).picture({ cut, size: { width: 40, height: 32 } }), octave);
});

/** Single precision rounds one way or the other. */
function expectNearly(found: Uint8Array, expected: readonly number[]) {
  const differences = expected.map((value, index) => Math.abs(value - found[index]!));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  expect(differences.filter(Boolean).length).toBeLessThan(0.03 * expected.length);
}

function expectEqual(found: Uint8Array, expected: string) {
  const equal = Array.from(expected).filter((label, index) => Number(label) === found[index]).length;
  expect(equal / expected.length).toBeGreaterThanOrEqual(0.995);
}

function flipped({ width, height, classes, values }: Logits, axis: "x" | "y"): Logits {
  const found = new Float32Array(values.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = axis === "x" ? y * width + width - 1 - x : (height - 1 - y) * width + x;
      found.set(values.subarray(from * classes, (from + 1) * classes), (y * width + x) * classes);
    }
  }
  return { width, height, classes, values: found };
}

function drawPhoto(width: number, height: number): Raster {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      data.set([(7 * x + 3 * y) % 256, (x * x + 5 * y) % 256, (x * y) % 256, 255], 4 * (y * width + x));
    }
  }
  return { width, height, channels: 4, data };
}

function drawLogits(height: number, width: number, classes: number): Logits {
  const values = new Float32Array(height * width * classes);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let k = 0; k < classes; k += 1) {
        values[(y * width + x) * classes + k] =
          Math.sin(0.9 * x + k) + Math.cos(0.7 * y - 1.3 * k) + 0.3 * Math.sin(5 * k);
      }
    }
  }
  return { width, height, classes, values };
}

function drawStripe(top: number): Logits {
  const values = Float32Array.from({ length: 8 * 8 * 2 }, (_, at) => {
    const [x, y] = [(at >> 1) % 8, at >> 4];
    if (at % 2 === 0) return 1;
    return y >= top && (x === 3 || x === 4) ? 3 : 0;
  });
  return { width: 8, height: 8, classes: 2, values };
}
