import type { ClassRow } from "@/api/client";
import type { Point, Size } from "@/geometry/view";

/** Class ids by pixel, of every `step`-th pixel of the photo both ways. Id 0 is the background. */
export interface LabelMap {
  /** The photo's own size. */
  image: { width: number; height: number };
  step: number;
  /** ceil(image.width / step), ceil(image.height / step) */
  width: number;
  height: number;
  /** Row by row. */
  ids: Uint8Array;
}

/**
 * Bounds the time and memory of what is shown: photos above it are shown by every second pixel in both
 * directions, still more than a screen has. Downloads have every pixel.
 */
const MOST_LABELS = 8_000_000;

/** The step at which a photo of this size has no more than `most` labels. */
export function stepFor(width: number, height: number, most = MOST_LABELS): number {
  return Math.max(1, Math.ceil(Math.sqrt((width * height) / most)));
}

export function emptyLabelMap(image: { width: number; height: number }, step = 1): LabelMap {
  const width = Math.ceil(image.width / step);
  const height = Math.ceil(image.height / step);
  return { image, step, width, height, ids: new Uint8Array(width * height) };
}

/** The same map with every `step`-th of its places both ways. */
export function coarser(map: LabelMap, step: number): LabelMap {
  if (step === 1) return map;
  const found = emptyLabelMap(map.image, map.step * step);
  for (let y = 0; y < found.height; y += 1) {
    for (let x = 0; x < found.width; x += 1)
      found.ids[y * found.width + x] = map.ids[y * step * map.width + x * step]!;
  }
  return found;
}

/** The labels of a part in the photo that it is of; all around it is background. Both of step 1. */
export function inPhoto(labels: LabelMap, { x, y }: Point, { width, height }: Size): LabelMap {
  const map = emptyLabelMap({ width, height });
  for (let row = 0; row < labels.height; row += 1) {
    const line = labels.ids.subarray(row * labels.width, (row + 1) * labels.width);
    map.ids.set(line, (y + row) * width + x);
  }
  return map;
}

/** The id under a point of the photo, in its pixels; undefined beyond its edges. */
export function idAt(map: LabelMap, x: number, y: number): number | undefined {
  if (x < 0 || y < 0 || x >= map.image.width || y >= map.image.height) return undefined;
  return map.ids[Math.floor(y / map.step) * map.width + Math.floor(x / map.step)];
}

/** How often each id occurs in the map. */
export function countIds(map: LabelMap, classes: readonly Pick<ClassRow, "id">[]): Map<number, number> {
  const counts = new Uint32Array(256);
  for (const id of map.ids) counts[id]! += 1;
  return new Map(classes.map(({ id }) => [id, counts[id]!]));
}
