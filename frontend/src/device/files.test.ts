import { expect, it } from "vitest";
import type { Face, ModelDetail } from "@/api/client";
import { emptyLabelMap } from "@/labels/label-map";
import { deviceFile, type Drawn } from "./files";

const SIZE = { width: 40, height: 20 };
const CLASSES = ["background", "skin", "hair"].map((name, id) => ({ id, name, color: [id, id, id] }));

/** A face that looks straight ahead, and how sure its classes are. */
function faceAt(x: number, number: number, confidence: number): Face {
  const at = (right: number, down: number) => [x + 3 * right, 8 + 3 * down];
  const landmarks = {
    left_eye: at(-1, 0),
    right_eye: at(1, 0),
    nose: at(0, 1),
    left_mouth_corner: at(-1, 2),
    right_mouth_corner: at(1, 2),
  };
  const classes = [1, 2].map((id) => ({ id, confidence }));
  return { number, box: [x - 5, 3, 10, 14], score: 0.9, landmarks, classes };
}

/** The left half is the first face's, the right half the other's: hair above, skin below. */
async function jsonWith(hidden: readonly number[]) {
  const labels = emptyLabelMap(SIZE);
  labels.ids.set(labels.ids.map((_, at) => (at < 10 * 40 ? 2 : 1)));
  labels.ids.fill(0, 0, 40);
  const faces = [faceAt(10, 1, 0.8), faceAt(30, 2, 0.9)];
  const classes = CLASSES.map(({ id }) => ({ id, confidence: 0.95 }));
  const result = { faces, classes, warnings: [], ms: 1 } as unknown as Drawn["result"];
  const model = { classes: CLASSES } as unknown as ModelDetail;
  const blob = await deviceFile("json", { result, labels, model, hidden: new Set(hidden), opacity: 1 });
  const text = new TextDecoder().decode(await blob.arrayBuffer());
  return JSON.parse(text) as Record<"faces" | "classes", { classes: object[] }[]>;
}

it("tells of each face's classes, as the service does", async () => {
  const { faces } = await jsonWith([]);
  expect(faces[1]).toMatchObject({ number: 2, score: 0.9 });
  expect(faces[1]!.classes).toEqual([
    { id: 1, name: "skin", pixels: 200, share: 200 / 380, box: [20, 10, 20, 10], confidence: 0.9 },
    { id: 2, name: "hair", pixels: 180, share: 180 / 380, box: [20, 1, 20, 9], confidence: 0.9 },
  ]);
});

it("is sure of no background that hidden classes went into, and keeps their share of a face", async () => {
  const { faces, classes } = await jsonWith([2]);
  expect(classes).toMatchObject([
    { id: 0, confidence: null },
    { id: 1, confidence: 0.95 },
  ]);
  expect(faces[0]!.classes).toMatchObject([{ id: 1, share: 200 / 380 }]);
});
