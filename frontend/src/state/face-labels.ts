import { labelsOfFace } from "@/device/of-face";
import { countIds, type LabelMap } from "@/labels/label-map";
import type { Result } from "@/results/result";

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
