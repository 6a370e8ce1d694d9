/** A second, wider look at a face that does not end with its cut: ml_core.wide, step by step. */
import { apply, inverse, pixelAffine, type Affine } from "@/geometry/affine";
import type { Size } from "@/geometry/view";
import type { Logits } from "./upsample";

/** A class goes on beyond the cut when this share of the cut's border is of it. */
const REACHES = 0.01;
/** The photo has to go on, too: at least for this much. This and what follows are in sides of the cut. */
const ROOM = 0.0625;
/** Where the wider look is and how far it goes each way, as far as the photo does: hair falls downwards. */
const CENTRE = { x: 0.5, y: 0.7 };
const REACH = 1.125;
/** How far from that centre parts begin to fade. */
const FADE = 1;
/** How far from the border of the cut the first look alone counts. */
const RAMP = 0.12;
/** By how much the logit of a part beyond the cut leads on average. */
const SURE = 0.5;
const NEVER = -1e3;

/** A part of the grid of a cut's logits, or more than it: `left` and `top` may be negative. */
export interface Grid extends Size {
  left: number;
  top: number;
}

/** The size of the wider look's input, of a model that takes any: under half of the work. */
export function coarse({ width, height }: Size): Size {
  const fewer = (side: number) => 16 * Math.floor((side * 11) / 256);
  return { width: fewer(width), height: fewer(height) };
}

/** The classes that logits of a cut see at its border, where the photo goes on. */
export function reaching(logits: Logits, cut: Affine, photo: Size): number[] {
  const { width, height, classes } = logits;
  const around = { left: -ROOM, top: -ROOM, width: 1 + 2 * ROOM, height: 1 + 2 * ROOM };
  const place = pixelAffine(partOf(cut, around, { width: 1, height: 1 }), logits);
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

/** The wider look, of the cut's shape and as wide as the photo goes on, on the grid of the cut's logits. */
export function gridAround(cut: Affine, photo: Size, { width, height }: Size): Grid {
  const back = inverse(cut);
  const corners = [0, photo.width].flatMap((x) => [0, photo.height].map((y) => apply(back, x, y)));
  const [startX, sideX] = span(
    corners.map(({ x }) => x),
    CENTRE.x,
  );
  const [startY, sideY] = span(
    corners.map(({ y }) => y),
    CENTRE.y,
  );
  const side = Math.max(sideX, sideY);
  return {
    left: Math.floor((startX - (side - sideX) / 2) * width),
    top: Math.floor((startY - (side - sideY) / 2) * height),
    width: Math.ceil(side * width) + 1,
    height: Math.ceil(side * height) + 1,
  };
}

function span(places: readonly number[], centre: number): [number, number] {
  const start = Math.min(0, Math.max(centre - REACH, Math.min(...places)));
  return [start, Math.max(1, Math.min(centre + REACH, Math.max(...places))) - start];
}

/** The cut of a grid that lies on the grid of another cut's logits. */
export function partOf(cut: Affine, { left, top, width, height }: Grid, size: Size): Affine {
  const corner = apply(cut, left / size.width, top / size.height);
  const [across, down] = [width / size.width, height / size.height];
  return [cut[0] * across, cut[1] * down, corner.x, cut[3] * across, cut[4] * down, corner.y];
}

/**
 * Logits of a cut, and those of the wider look on `grid`: together at the first one's detail, and their cut.
 * Null if nothing that the cut sees goes on beyond it after all.
 */
export function merged(
  logits: Logits,
  cut: Affine,
  wide: Logits,
  grid: Grid,
  reaches: readonly number[],
): { logits: Logits; cut: Affine } | null {
  const { width, height, classes } = logits;
  const [left, top] = [-grid.left, -grid.top];
  const isInside = (x: number, y: number) => x >= left && x < left + width && y >= top && y < top + height;
  const found = resized(fewer(wide, reaches), grid);
  const near = blended(found, logits, left, top, reaches);
  const needed = {
    left: Math.max(0, left - 1),
    top: Math.max(0, top - 1),
    right: Math.min(grid.width, left + width + 1),
    bottom: Math.min(grid.height, top + height + 1),
  };
  let beyond = false;
  const leads = reaches.map((_, index) => leadsOf(found, index + 1));
  for (const [index, id] of reaches.entries()) {
    const lead = leads[index]!;
    const ofClass = (cell: number, x: number, y: number) =>
      isInside(x, y) ? bestAt(near, (y - top) * width + x - left) === id : lead[cell]! > 0;
    const goesOn = goingOn(lead, grid, ofClass, isInside);
    for (let cell = 0; cell < lead.length; cell += 1) {
      const [x, y] = [cell % grid.width, Math.floor(cell / grid.width)];
      if (isInside(x, y)) continue;
      found.values[cell * found.classes + index + 1]! += goesOn[cell] ? -fade(x, y, grid, logits) : NEVER;
      if (!goesOn[cell]) continue;
      beyond = true;
      needed.left = Math.min(needed.left, Math.max(0, x - 1));
      needed.top = Math.min(needed.top, Math.max(0, y - 1));
      needed.right = Math.max(needed.right, Math.min(grid.width, x + 2));
      needed.bottom = Math.max(needed.bottom, Math.min(grid.height, y + 2));
    }
  }
  if (!beyond) return null;
  const size = { width: needed.right - needed.left, height: needed.bottom - needed.top };
  const values = new Float32Array(size.width * size.height * classes).fill(NEVER);
  for (let row = 0; row < size.height; row += 1) {
    for (let column = 0; column < size.width; column += 1) {
      const [x, y] = [column + needed.left, row + needed.top];
      const to = (row * size.width + column) * classes;
      if (isInside(x, y)) {
        const from = ((y - top) * width + x - left) * classes;
        values.set(near.values.subarray(from, from + classes), to);
        continue;
      }
      const from = (y * grid.width + x) * found.classes;
      [0, ...reaches].forEach((id, index) => (values[to + id] = found.values[from + index]!));
    }
  }
  const part = { left: grid.left + needed.left, top: grid.top + needed.top, ...size };
  return { logits: { ...size, classes, values }, cut: partOf(cut, part, logits) };
}

/** Those that reach beyond the cut, after the best of all others. */
function fewer({ width, height, classes, values }: Logits, reaches: readonly number[]): Logits {
  const count = reaches.length + 1;
  const few = new Float32Array(width * height * count).fill(-Infinity);
  for (let cell = 0; cell < width * height; cell += 1) {
    for (let id = 0; id < classes; id += 1) {
      const at = cell * count + reaches.indexOf(id) + 1;
      few[at] = Math.max(few[at]!, values[cell * classes + id]!);
    }
  }
  return { width, height, classes: count, values: few };
}

/** The first look, going over into the second at its border; what does not reach keeps its order. */
function blended(
  found: Logits,
  logits: Logits,
  left: number,
  top: number,
  reaches: readonly number[],
): Logits {
  const { width, height, classes } = logits;
  const [across, down] = [ramp(width), ramp(height)];
  const values = logits.values.slice();
  const ids = Array.from({ length: classes }, (_, id) => id);
  const rest = ids.filter((id) => !reaches.includes(id));
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const coarse = 1 - Math.min(down[row]!, across[column]!);
      const from = ((row + top) * found.width + column + left) * found.classes;
      const to = (row * width + column) * classes;
      const first = Math.max(...rest.map((id) => values[to + id]!));
      const shift = coarse * (found.values[from]! - first);
      for (const id of rest) values[to + id]! += shift;
      for (const [index, id] of reaches.entries())
        values[to + id]! += coarse * (found.values[from + index + 1]! - values[to + id]!);
    }
  }
  return { width, height, classes, values };
}

/** What parts lose far from the face: nothing, then soon more than any lead. */
function fade(x: number, y: number, grid: Grid, size: Size): number {
  const across = (x + grid.left + 0.5) / size.width - CENTRE.x;
  const down = (y + grid.top + 0.5) / size.height - CENTRE.y;
  return 50 * Math.max(across ** 2 + down ** 2 - FADE ** 2, 0);
}

/** By how much one class leads the best of the others at each place. */
function leadsOf({ width, height, classes, values }: Logits, index: number): Float32Array {
  return Float32Array.from({ length: width * height }, (_, cell) => {
    let other = -Infinity;
    for (let id = 0; id < classes; id += 1)
      if (id !== index) other = Math.max(other, values[cell * classes + id]!);
    return values[cell * classes + index]! - other;
  });
}

/** Of a class, the parts outside that are connected with it within and that the network is sure of. */
function goingOn(
  lead: Float32Array,
  { width, height }: Size,
  ofClass: (cell: number, x: number, y: number) => boolean,
  isInside: (x: number, y: number) => boolean,
): Uint8Array {
  const kept = new Uint8Array(lead.length);
  const mask = Uint8Array.from(kept, (_, cell) =>
    ofClass(cell, cell % width, Math.floor(cell / width)) ? 1 : 0,
  );
  for (let start = 0; start < mask.length; start += 1) {
    if (!mask[start]) continue;
    mask[start] = 0;
    const part = [start];
    let touches = false;
    let over = 0;
    for (let at = 0; at < part.length; at += 1) {
      const cell = part[at]!;
      if (isInside(cell % width, Math.floor(cell / width))) touches = true;
      else over += lead[cell]! - SURE;
      for (const next of neighboursOf(cell, width, height)) {
        if (!mask[next]) continue;
        mask[next] = 0;
        part.push(next);
      }
    }
    if (touches && over >= 0) for (const cell of part) kept[cell] = 1;
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
  return { width: size.width, height: size.height, classes, values: target };
}

function places(target: number, source: number) {
  return Array.from({ length: target }, (_, place) => {
    const position = Math.min(source - 1, Math.max(0, ((place + 0.5) * source) / target - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(source - 1, low + 1), share: position - low };
  });
}

/** 0 at the border to 1. */
function ramp(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, index) => {
    const place = (index + 0.5) / size;
    return Math.min(1, Math.min(place, 1 - place) / RAMP);
  });
}
