import { describe, expect, it } from "vitest";
import { cutOut } from "./cut-out";
import { matteOf } from "./matte";
import { labOf, rgbOfLab } from "./oklab";
import { between, boxMean, planeOf, smaller } from "./planes";
import { recolour } from "./recolour";

const plane = (width: number, values: number[]) => ({
  ...planeOf(width, values.length / width),
  values: Float32Array.from(values),
});

describe("planes", () => {
  it("means of squares, fewer pixels at the edge", () => {
    expect([...boxMean(plane(3, [0, 3, 6]), 1).values]).toEqual([1.5, 3, 4.5]);
    expect([...boxMean(plane(1, [0, 3, 6]), 5).values]).toEqual([3, 3, 3]);
  });
  it("made smaller, and what lies between", () => {
    const small = smaller(plane(4, [0, 0, 8, 8, 0, 0, 8, 8]), 2);
    expect([...small.values]).toEqual([0, 8]);
    expect(between(small, 2, 0, 0)).toBe(0);
    expect(between(small, 2, 1, 1)).toBe(2);
    expect(between(small, 2, 3, 0)).toBe(8);
  });
});

/** A dark disc on white, RGBA, and a mask of it that is too small or too large by some pixels. */
function disc(size: number, radius: number, wrong: number) {
  const data = new Uint8ClampedArray(4 * size * size);
  const mask = new Uint8Array(size * size);
  for (let at = 0; at < size * size; at += 1) {
    const far = Math.hypot((at % size) - size / 2, Math.floor(at / size) - size / 2);
    const edge = Math.min(1, Math.max(0, far - radius + 0.5));
    data.set([30 + 200 * edge, 30 + 200 * edge, 30 + 200 * edge, 255], 4 * at);
    mask[at] = Number(far < radius + wrong);
  }
  return { photo: { width: size, height: size, data }, mask };
}

describe("matteOf", () => {
  it.each([-2, 0, 2])("lies on the photo's edge though the mask is %i pixels off", (wrong) => {
    const { photo, mask } = disc(160, 50, wrong);
    const matte = matteOf(photo, mask);
    const at = (far: number) => matte[80 * 160 + 80 + far]!;
    expect([at(0), at(40)]).toEqual([255, 255]);
    expect([at(60), at(79)]).toEqual([0, 0]);
    expect(at(48)).toBeGreaterThan(128);
    expect(at(53)).toBeLessThan(128);
  });
  it("has soft edges", () => {
    const { photo, mask } = disc(160, 50, 0);
    const between = matteOf(photo, mask).filter((value) => value > 20 && value < 235);
    expect(between.length).toBeGreaterThan(100);
  });
  it("is empty for an empty mask", () => {
    const { photo } = disc(16, 5, 0);
    expect(matteOf(photo, new Uint8Array(256)).every((value) => value === 0)).toBe(true);
  });
});

describe("recolour", () => {
  const photo = () => ({
    width: 4,
    height: 1,
    data: Uint8ClampedArray.from([90, 60, 40, 255, 200, 180, 160, 255, 12, 10, 8, 255, 90, 60, 40, 255]),
  });
  const all = Uint8ClampedArray.from([255, 255, 255, 0]);
  const lights = ({ data }: { data: Uint8ClampedArray }) =>
    [0, 4, 8, 12].map((at) => labOf(data[at]!, data[at + 1]!, data[at + 2]!)[0]);

  it("keeps lightness and takes the dye's hue", () => {
    const dyed = photo();
    recolour(dyed, all, { color: [30, 60, 220], strength: 1 });
    lights(dyed).forEach((light, at) => expect(light).toBeCloseTo(lights(photo())[at]!, 1.7));
    expect(dyed.data[2]!).toBeGreaterThan(dyed.data[0]! + 30);
    expect([...dyed.data.slice(12, 15)]).toEqual([90, 60, 40]);
  });
  it("does nothing at strength 0, and more with more of it", () => {
    const blue = [0, 0.5, 1].map((strength) => {
      const dyed = photo();
      recolour(dyed, all, { color: [30, 60, 220], strength });
      return dyed.data[2]! - dyed.data[0]!;
    });
    expect(blue[0]).toBe(-50);
    expect(blue[1]).toBeGreaterThan(blue[0]!);
    expect(blue[2]).toBeGreaterThan(blue[1]!);
  });
});

it.each<[number, number, number]>([
  [0, 0, 0],
  [255, 255, 255],
  [12, 200, 90],
])("goes from %i %i %i to OKLab and back", (...rgb) => {
  expect(rgbOfLab(labOf(...rgb))).toEqual(rgb);
});

it("a cut-out is clear outside of the part, and where the photo was", () => {
  const photo = { width: 4, height: 1, data: new Uint8ClampedArray(16) };
  for (const [at, alpha] of [255, 255, 128, 0].entries()) photo.data[4 * at + 3] = alpha;
  cutOut(photo, Uint8ClampedArray.of(0, 200, 255, 255));
  expect([0, 1, 2, 3].map((at) => photo.data[4 * at + 3])).toEqual([0, 200, 128, 0]);
});
