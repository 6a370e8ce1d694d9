import type { Face } from "@/api/client";
import { alignment } from "@/device/finder/alignment";
import { apply, inverse, type Affine } from "@/geometry/affine";
import { countIds, type LabelMap } from "@/labels/label-map";
import type { Result } from "@/results/result";

/**
 * The labels of one of the faces; the others' become background. A label belongs to the face that is nearest:
 * by the distance from the middle of the face's cut, in sides of the cut, as where cuts overlap in
 * ml_core.paste.
 */
export function labelsOfFace(labels: LabelMap, faces: readonly Face[], face: number): LabelMap {
  if (faces.length < 2) return labels;
  const inCuts = faces.map((each) => inverse(cutOfFace(each)));
  const { width, step } = labels;
  const ids = labels.ids.slice();
  for (let at = 0; at < ids.length; at += 1) {
    if (ids[at] === 0) continue;
    const x = ((at % width) + 0.5) * step;
    const y = (Math.floor(at / width) + 0.5) * step;
    if (nearest(inCuts, x, y) !== face) ids[at] = 0;
  }
  return { ...labels, ids };
}

function nearest(inCuts: readonly Affine[], x: number, y: number): number {
  let found = 0;
  let least = Infinity;
  for (let index = 0; index < inCuts.length; index += 1) {
    const at = apply(inCuts[index]!, x, y);
    const distance = (at.x - 0.5) ** 2 + (at.y - 0.5) ** 2;
    if (distance < least) [found, least] = [index, distance];
  }
  return found;
}

function cutOfFace({ box, score, landmarks }: Face): Affine {
  const [x = 0, y = 0, width = 0, height = 0] = box;
  const { left_eye, right_eye, nose, left_mouth_corner, right_mouth_corner } = landmarks;
  const points = [left_eye, right_eye, nose, left_mouth_corner, right_mouth_corner];
  return alignment({
    box: { x, y, width, height },
    score,
    landmarks: points.map(([px = 0, py = 0]) => ({ x: px, y: py })),
  });
}

const kept = new WeakMap<LabelMap, Map<string, LabelMap>>();

/** A result's labels, of the chosen face or of all; the same object as long as nothing has changed. */
export function labelsShown(
  { labels, faces }: Pick<Result, "labels" | "faces">,
  face: number | null,
): LabelMap {
  if (face === null || faces.length < 2) return labels;
  const key = `${face} of ${faces.length}`;
  const known = kept.get(labels) ?? new Map<string, LabelMap>();
  kept.set(labels, known);
  const found = known.get(key) ?? labelsOfFace(labels, faces, face);
  known.set(key, found);
  return found;
}

export interface PartFigures {
  pixels: number;
  /** Of all parts of the face, or of all faces. */
  share: number;
}

/** Pixels and shares of the parts of one face, or of all; only those that are there. */
export function figuresOf(result: Result, face: number | null): Map<number, PartFigures> {
  const { width, height } = result.size;
  const shown = labelsShown(result, face);
  const counts =
    shown === result.labels
      ? new Map(result.classes.map(({ id, share }) => [id, Math.round(share * width * height)]))
      : scaled(countIds(shown, result.classes), shown.step ** 2);
  counts.delete(0);
  const all = [...counts.values()].reduce((sum, pixels) => sum + pixels, 0);
  const found = [...counts].filter(([, pixels]) => pixels > 0);
  return new Map(found.map(([id, pixels]) => [id, { pixels, share: pixels / all }]));
}

function scaled(counts: Map<number, number>, by: number): Map<number, number> {
  return new Map([...counts].map(([id, count]) => [id, count * by]));
}
