import type { LabelMap } from "./label-map";

/** A class in a label map, as the API describes it (ml_core.regions). */
export interface LabelRegion {
  id: number;
  pixels: number;
  /** x, y, width, height */
  box: [number, number, number, number];
  rle: { size: [number, number]; counts: string };
}

/** The ids present, in their order; the map must have every pixel (step 1). */
export function regionsOf({ width, height, ids }: LabelMap): LabelRegion[] {
  const found = new Map<number, Runs>();
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height;) {
      const id = ids[y * width + x]!;
      const top = y;
      while (y < height && ids[y * width + x] === id) y += 1;
      const runs = found.get(id) ?? new Runs();
      found.set(id, runs);
      runs.add(x, top, y, height);
    }
  }
  return [...found].sort(([one], [other]) => one - other).map(([id, runs]) => runs.region(id, width, height));
}

/** Run lengths -> COCO's compressed string (maskApi.c, rleToString). */
export function encodeCounts(lengths: readonly number[]): string {
  let counts = "";
  lengths.forEach((length, index) => {
    let value = index > 2 ? length - lengths[index - 2]! : length;
    let more = true;
    while (more) {
      const low = value & 0x1f;
      value >>= 5;
      more = low & 0x10 ? value !== -1 : value !== 0;
      counts += String.fromCharCode((more ? low | 0x20 : low) + 48);
    }
  });
  return counts;
}

/** The runs of one class, down the columns. */
class Runs {
  private lengths: number[] = [];
  private end = 0;
  private pixels = 0;
  private left = Infinity;
  private right = 0;
  private top = Infinity;
  private bottom = 0;

  add(x: number, top: number, bottom: number, height: number): void {
    const start = x * height + top;
    if (start === this.end && this.lengths.length > 0) this.lengths[this.lengths.length - 1]! += bottom - top;
    else this.lengths.push(start - this.end, bottom - top);
    this.end = x * height + bottom;
    this.pixels += bottom - top;
    this.left = Math.min(this.left, x);
    this.right = Math.max(this.right, x + 1);
    this.top = Math.min(this.top, top);
    this.bottom = Math.max(this.bottom, bottom);
  }

  region(id: number, width: number, height: number): LabelRegion {
    const rest = width * height - this.end;
    const counts = encodeCounts(rest > 0 ? [...this.lengths, rest] : this.lengths);
    const box: LabelRegion["box"] = [this.left, this.top, this.right - this.left, this.bottom - this.top];
    return { id, pixels: this.pixels, box, rle: { size: [height, width], counts } };
  }
}
