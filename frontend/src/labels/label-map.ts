import type { ClassRow, Region, Rle } from "@/api/client";

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

/** Bounds the memory of what is shown: photos above it are shown by every second pixel in both directions. */
export const MOST_LABELS = 16_000_000;

/** The step at which a photo of this size has no more than `most` labels. */
export function stepFor(width: number, height: number, most = MOST_LABELS): number {
  return Math.max(1, Math.ceil(Math.sqrt((width * height) / most)));
}

export function emptyLabelMap(image: { width: number; height: number }, step = 1): LabelMap {
  const width = Math.ceil(image.width / step);
  const height = Math.ceil(image.height / step);
  return { image, step, width, height, ids: new Uint8Array(width * height) };
}

/** The label map of an answer, from the run lengths of its classes. */
export function labelMapOf(
  image: { width: number; height: number },
  regions: readonly Pick<Region, "id" | "rle">[],
  step = stepFor(image.width, image.height),
): LabelMap {
  const map = emptyLabelMap(image, step);
  for (const { id, rle } of regions) if (id !== 0) drawRuns(map, id, decodeCounts(rle));
  return map;
}

/** COCO's compressed run lengths -> lengths, alternately outside and inside, down the columns (maskApi.c). */
export function decodeCounts({ counts }: Pick<Rle, "counts">): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < counts.length;) {
    let value = 0;
    let shift = 0;
    let code: number;
    do {
      code = counts.charCodeAt(at++) - 48;
      value |= (code & 0x1f) << shift;
      shift += 5;
    } while (code & 0x20);
    if (code & 0x10 && shift < 32) value |= -1 << shift;
    if (lengths.length > 2) value += lengths[lengths.length - 2]!;
    lengths.push(value);
  }
  return lengths;
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

function drawRuns(map: LabelMap, id: number, lengths: readonly number[]): void {
  const { step, width, ids } = map;
  const { height } = map.image;
  let start = 0;
  for (let run = 0; run < lengths.length; run += 1) {
    const end = start + lengths[run]!;
    if (run % 2 === 1) {
      for (let column = Math.floor(start / height); column * height < end; column += 1) {
        if (column % step !== 0) continue;
        const top = Math.max(0, start - column * height);
        const bottom = Math.min(height, end - column * height);
        for (let y = Math.ceil(top / step); y * step < bottom; y += 1) ids[y * width + column / step] = id;
      }
    }
    start = end;
  }
}
