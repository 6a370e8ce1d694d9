/** A second, wider look at a face that does not end with its cut: ml_core.wide, step by step. */
import { apply, enlarged, pixelAffine, type Affine } from "@/geometry/affine";
import type { Size } from "@/geometry/view";
import type { Logits } from "./upsample";

/** A class goes on beyond the cut when this share of the cut's border is of it. */
const REACHES = 0.01;
/** The photo has to go on, too: at least to the border of the cut made this much larger. */
const ROOM = 1.125;
/** How far from its border, in sides of the cut, the first look alone counts. */
const RAMP = 0.12;
/** By how much the logit of a part beyond the cut leads on average. */
const SURE = 1.5;
const NEVER = -1e3;

/** The classes that logits of a cut see at its border, where the photo goes on. */
export function reaching(logits: Logits, cut: Affine, photo: Size): number[] {
  const { width, height, classes } = logits;
  const place = pixelAffine(enlarged(cut, ROOM, ROOM), logits);
  const counts = new Uint32Array(classes);
  for (let row = 0; row < height; row += 1) {
    const step = row === 0 || row === height - 1 ? 1 : width - 1;
    for (let column = 0; column < width; column += step) {
      const { x, y } = apply(place, column, row);
      if (x < 0 || y < 0 || x > photo.width - 1 || y > photo.height - 1) continue;
      counts[bestAt(logits, row * width + column)]! += 1;
    }
  }
  const border = 2 * (width + height) - 4;
  return [...counts.keys()].filter((id) => id > 0 && counts[id]! >= REACHES * border);
}

/** The cut of the second look: that of the grid that `merged` makes of logits, about twice as large. */
export function wider(cut: Affine, size: Size): Affine {
  const grid = gridOf(size);
  return enlarged(cut, grid.width / size.width, grid.height / size.height);
}

/**
 * Logits of a cut and of the wider one -> those of the wider one at the first one's detail.
 * Null if nothing that the cut sees goes on beyond it after all.
 */
export function merged(logits: Logits, wide: Logits, reaches: readonly number[]): Logits | null {
  const { width, height, classes } = logits;
  const found = resized(wide, gridOf(logits));
  const [left, top] = [Math.floor(width / 2), Math.floor(height / 2)];
  const isInside = (x: number, y: number) => x >= left && x < left + width && y >= top && y < top + height;
  blend(found, logits, left, top, reaches);
  const best = new Uint8Array(found.width * found.height);
  for (let cell = 0; cell < best.length; cell += 1) best[cell] = bestAt(found, cell);
  let beyond = false;
  for (const id of reaches) {
    const goesOn = goingOn(found, best, id, isInside);
    for (let cell = 0; cell < best.length; cell += 1) {
      if (best[cell] !== id || isInside(cell % found.width, Math.floor(cell / found.width))) continue;
      if (goesOn[cell]) beyond = true;
      else found.values[cell * classes + id] = NEVER;
    }
  }
  return beyond ? found : null;
}

/** The first look laid into the second, going over into it at its border; of the second only what reaches. */
function blend(found: Logits, logits: Logits, left: number, top: number, reaches: readonly number[]): void {
  const { width, height, classes } = logits;
  const across = ramp(width);
  const down = ramp(height);
  const dropped = Array.from({ length: classes - 1 }, (_, index) => index + 1).filter(
    (id) => !reaches.includes(id),
  );
  for (let row = 0; row < found.height; row += 1) {
    for (let column = 0; column < found.width; column += 1) {
      const to = (row * found.width + column) * classes;
      const [x, y] = [column - left, row - top];
      if (x < 0 || y < 0 || x >= width || y >= height) {
        for (const id of dropped) found.values[to + id] = NEVER;
        continue;
      }
      const trust = Math.min(down[y]!, across[x]!);
      const from = (y * width + x) * classes;
      for (let id = 0; id < classes; id += 1) {
        const near = found.values[to + id]!;
        found.values[to + id] = near + trust * (logits.values[from + id]! - near);
      }
    }
  }
}

/** Of a class, the parts outside that touch it within and that the network is sure of. */
function goingOn(
  found: Logits,
  best: Uint8Array,
  id: number,
  isInside: (x: number, y: number) => boolean,
): Uint8Array {
  const { width, height } = found;
  const kept = new Uint8Array(best.length);
  const visited = new Uint8Array(best.length);
  const inside = (cell: number) => isInside(cell % width, Math.floor(cell / width));
  for (let start = 0; start < best.length; start += 1) {
    if (best[start] !== id || visited[start] || inside(start)) continue;
    const part = [start];
    visited[start] = 1;
    let touches = false;
    let lead = 0;
    for (let at = 0; at < part.length; at += 1) {
      const cell = part[at]!;
      lead += leadAt(found, cell);
      for (const next of neighboursOf(cell, width, height)) {
        if (best[next] !== id) continue;
        if (inside(next)) touches = true;
        else if (!visited[next]) {
          visited[next] = 1;
          part.push(next);
        }
      }
    }
    if (touches && lead / part.length >= SURE) for (const cell of part) kept[cell] = 1;
  }
  return kept;
}

function neighboursOf(cell: number, width: number, height: number): number[] {
  const column = cell % width;
  const found: number[] = [];
  if (column > 0) found.push(cell - 1);
  if (column < width - 1) found.push(cell + 1);
  if (cell >= width) found.push(cell - width);
  if (cell < width * (height - 1)) found.push(cell + width);
  return found;
}

/** By how much the best logit leads the second. */
function leadAt({ classes, values }: Logits, cell: number): number {
  let [first, second] = [-Infinity, -Infinity];
  for (let at = cell * classes; at < (cell + 1) * classes; at += 1) {
    const value = values[at]!;
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return first - second;
}

function bestAt({ classes, values }: Logits, cell: number): number {
  let winner = 0;
  for (let id = 1; id < classes; id += 1) {
    if (values[cell * classes + id]! > values[cell * classes + winner]!) winner = id;
  }
  return winner;
}

/** Bilinearly, as OpenCV's resize. */
function resized(from: Logits, size: Size): Logits {
  const { classes, values } = from;
  const target = new Float32Array(size.width * size.height * classes);
  const rows = places(size.height, from.height);
  const columns = places(size.width, from.width);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const corner = (y: number, x: number) => (y * from.width + x) * classes;
      const [a, b] = [corner(row.low, column.low), corner(row.low, column.high)];
      const [c, d] = [corner(row.high, column.low), corner(row.high, column.high)];
      for (let id = 0; id < classes; id += 1) {
        const above = values[a + id]! * (1 - column.share) + values[b + id]! * column.share;
        const below = values[c + id]! * (1 - column.share) + values[d + id]! * column.share;
        target[at] = above * (1 - row.share) + below * row.share;
        at += 1;
      }
    }
  }
  return { ...size, classes, values: target };
}

function places(target: number, source: number) {
  return Array.from({ length: target }, (_, place) => {
    const position = Math.min(source - 1, Math.max(0, ((place + 0.5) * source) / target - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(source - 1, low + 1), share: position - low };
  });
}

/** Twice as many, or one less, so that the first look's logits lie on it as they are. */
function gridOf({ width, height }: Size): Size {
  return { width: width + 2 * Math.floor(width / 2), height: height + 2 * Math.floor(height / 2) };
}

/** 0 at the border to 1. */
function ramp(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, index) => {
    const place = (index + 0.5) / size;
    return Math.min(1, Math.min(place, 1 - place) / RAMP);
  });
}
