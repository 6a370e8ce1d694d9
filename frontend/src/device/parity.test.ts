import { describe, expect, it } from "vitest";
import { letterbox, type Cut } from "@/geometry/cut";
import { confidenceOf } from "./confidence";
import reference from "./reference.json";
import { regionsOf, type LabelRegion } from "@/labels/regions";
import { sample, type Picture } from "./sample";
import { upsample, type Logits } from "./upsample";

interface Case {
  width: number;
  height: number;
  input: number;
  cut: Cut | null;
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
const CASES = reference as unknown as readonly Case[];

describe.each(CASES)(
  "$width x $height at $input",
  ({ width, height, input, cut, crop, labels, regions, confidence }) => {
    const photo = drawPhoto(width, height);
    const size = { width: input, height: input };
    const area = cut ?? letterbox(photo, size);

    it("gives the network what the service gives it", () => {
      const found = sample(photo, area, size);
      const differences = crop.map((value, index) => Math.abs(value - found[index]!));
      expect(Math.max(...differences)).toBeLessThanOrEqual(4); // OpenCV interpolates in steps of 1/32 pixel
      expect(differences.filter((difference) => difference > 1).length).toBeLessThan(0.05 * crop.length);
    });

    it("reads the logits as the service does", () => {
      const found = upsample(drawLogits(8, 8, 5), area, photo);
      const equal = Array.from(labels).filter((label, index) => Number(label) === found.ids[index]).length;
      expect(equal / labels.length).toBeGreaterThanOrEqual(0.995);
    });

    const known = { image: photo, step: 1, width, height, ids: Uint8Array.from(labels, Number) };
    it("describes the classes as the service does", () => {
      expect(regionsOf(known)).toEqual(regions);
    });

    it("is as sure as the service", () => {
      confidenceOf(drawLogits(8, 8, 5), known, TEMPERATURES).forEach((found, id) => {
        const expected = confidence[id] ?? null;
        if (expected === null) expect(found).toBeNull();
        else expect(found).toBeCloseTo(expected, 5);
      });
    });
  },
);

function drawPhoto(width: number, height: number): Picture {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      data.set([(7 * x + 3 * y) % 256, (x * x + 5 * y) % 256, (x * y) % 256, 255], 4 * (y * width + x));
    }
  }
  return { width, height, data };
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
