import { describe, expect, it } from "vitest";
import { hexOf, LOOKING, rgbOf, tinted, tintOf } from "./tints";

const SKIN = { id: 1, name: "skin", color: [0, 153, 255] };

describe("tintOf", () => {
  it("is made for looking, or the data set's, or a person's own", () => {
    expect(tintOf(SKIN, "looking", {})).toBe(LOOKING.skin);
    expect(tintOf(SKIN, "dataset", {})).toBe("#0099ff");
    expect(tintOf(SKIN, "dataset", { skin: "#010203" })).toBe("#010203");
  });
  it("is the model's where the palette has none", () =>
    expect(tintOf({ ...SKIN, name: "hat" }, "looking", {})).toBe("#0099ff"));
});

it("replaces the colours of rows", () => {
  expect(tinted([SKIN], "looking", { skin: "#ff0080" })).toEqual([{ ...SKIN, color: [255, 0, 128] }]);
  expect(hexOf(rgbOf("#0a0b0c"))).toBe("#0a0b0c");
});

// Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency,
// 2009, severity 1.0; of linear RGB
const EYES = {
  common: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

/** Parts that touch or are taken for each other. */
const PAIRS = [
  ["hair", "skin"],
  ["hair", "left_eye"],
  ["hair", "right_eye"],
  ["hair", "left_eyebrow"],
  ["hair", "right_eyebrow"],
  ["left_eye", "right_eye"],
  ["left_eye", "left_eyebrow"],
  ["right_eye", "right_eyebrow"],
  ["left_eyebrow", "right_eyebrow"],
  ["skin", "left_eye"],
  ["skin", "right_eye"],
  ["skin", "left_eyebrow"],
  ["skin", "right_eyebrow"],
  ["skin", "nose"],
  ["skin", "upper_lip"],
  ["skin", "lower_lip"],
  ["upper_lip", "lower_lip"],
  ["upper_lip", "inner_mouth"],
  ["lower_lip", "inner_mouth"],
  ["nose", "upper_lip"],
] as const;

/** In OKLab; 0.02 is just seen side by side. */
const LEAST = 0.1;

describe.each(Object.entries(EYES))("%s", (_, matrix) => {
  it.each(PAIRS)("tells %s from %s", (one, other) => {
    const [a, b] = [one, other].map((name) => oklab(seen(rgbOf(LOOKING[name]!).map(linear), matrix)));
    expect(Math.hypot(...a!.map((part, at) => part - b![at]!))).toBeGreaterThan(LEAST);
  });
});

function linear(part: number): number {
  const share = part / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function seen([r, g, b]: number[], m: number[]): number[] {
  const row = (at: number) => m[at]! * r! + m[at + 1]! * g! + m[at + 2]! * b!;
  return [row(0), row(3), row(6)].map((part) => Math.min(1, Math.max(0, part)));
}

/** https://bottosson.github.io/posts/oklab/ */
function oklab([r, g, b]: number[]): number[] {
  const l = Math.cbrt(0.4122214708 * r! + 0.5363325363 * g! + 0.0514459929 * b!);
  const m = Math.cbrt(0.2119034982 * r! + 0.6806995451 * g! + 0.1073969566 * b!);
  const s = Math.cbrt(0.0883024619 * r! + 0.2817188376 * g! + 0.6299787005 * b!);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}
