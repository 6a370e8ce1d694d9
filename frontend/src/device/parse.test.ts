import { expect, it } from "vitest";
import type { FoundFace } from "./finder/alignment";
import { parseFaces } from "./parse";

function faceAt(x: number, score: number): FoundFace {
  const at = (right: number, down: number) => ({ x: x + 3 * right, y: 8 + 3 * down });
  return {
    box: { x: x - 5, y: 3, width: 10, height: 14 },
    score,
    landmarks: [at(-1, 0), at(1, 0), at(0, 1), at(-1, 2), at(1, 2)],
  };
}

it("has faces from left to right, though they are found best first", async () => {
  let calls = 0;
  const size = { width: 8, height: 8 };
  const infer = () => {
    calls += 1;
    return Promise.resolve({ ...size, classes: 1, values: new Float32Array(64).fill(calls) });
  };
  const parser = { input: size, face: [], hair: [], anySize: false, infer };
  const photo = { width: 40, height: 20, channels: 4 as const, data: new Uint8ClampedArray(40 * 20 * 4) };
  const { faces, logits } = await parseFaces(parser, photo, [faceAt(30, 0.9), faceAt(10, 0.8)]);
  expect(faces.map(({ score }) => score)).toEqual([0.8, 0.9]);
  expect(logits.map(({ values }) => values[0])).toEqual([2, 1]);
});
