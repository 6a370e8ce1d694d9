import { expect, it, vi } from "vitest";
import type { Answer } from "@/api/client";
import type { Photo } from "@/photo/photo";
import { resultOfAnswer } from "@/results/result";
import { figuresOf } from "./face-labels";
import { WHOLE } from "./state";

const IDS = Uint8Array.of(1, 1, 1, 0);
vi.mock("@/files/png-read", () => ({
  readGreyPng: () =>
    Promise.resolve({ ids: IDS, width: 2, height: 2, step: 1, image: { width: 2, height: 2 } }),
}));

it("counts the pixels of a part of a photo, not shares of all of it", async () => {
  const answer = {
    image: { width: 2, height: 2 },
    classes: [
      { id: 0, share: 0.25, confidence: 1 },
      { id: 1, share: 0.75, confidence: 1 },
    ],
    faces: [],
    warnings: [],
    timing_ms: { decode: 1, locate: 1, infer: 1 },
  } as unknown as Answer;
  const photo = { size: { width: 10, height: 10 } } as Photo;
  const task = {
    ...WHOLE,
    where: "service",
    model: null,
    part: { x: 3, y: 4, width: 2, height: 2 },
  } as const;
  const result = await resultOfAnswer(photo, task, answer, new Uint8Array());
  expect(result.labels.ids.filter((id) => id === 1)).toHaveLength(3);
  expect(figuresOf(result, null).get(1)?.pixels).toBe(3);
  expect(result.classes.map(({ share }) => share)).toEqual([0.97, 0.03]);
});
