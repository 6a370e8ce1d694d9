import { bounds, placesAlong, type Cut } from "@/geometry/cut";
import type { Size } from "@/geometry/view";

/** A picture as a canvas gives it: RGBA, row by row. */
export interface Picture extends Size {
  data: Uint8ClampedArray;
}

/**
 * What the network sees: the cut as RGB bytes of `size`, as the service makes it (ml_core.images.sample).
 * A reduction is done by area averaging first, the rest bilinearly; beyond the photo its edge goes on.
 */
export function sample(photo: Picture, cut: Cut, size: Size): Uint8Array {
  const reduction = Math.max(1, Math.sqrt((cut.width / size.width) * (cut.height / size.height)));
  const { left, top, right, bottom } = bounds(cut, photo, 2 * reduction);
  const shrunk = {
    width: Math.max(1, roundHalfEven((right - left) / reduction)),
    height: Math.max(1, roundHalfEven((bottom - top) / reduction)),
  };
  const part = reduceArea(photo, { left, top, right, bottom }, shrunk);
  const scaleX = shrunk.width / (right - left);
  const scaleY = shrunk.height / (bottom - top);
  const columns = placesAlong((cut.x - left) * scaleX, cut.width * scaleX, size.width);
  const rows = placesAlong((cut.y - top) * scaleY, cut.height * scaleY, size.height);
  return bilinear(part, shrunk, columns, rows, size);
}

/** The box of a photo as RGB bytes of `size`, each the mean of the area it covers (OpenCV's INTER_AREA). */
export function reduceArea(
  photo: Picture,
  box: { left: number; top: number; right: number; bottom: number },
  size: Size,
): Uint8Array {
  const columns = areaTable(box.right - box.left, size.width);
  const rows = areaTable(box.bottom - box.top, size.height);
  // OpenCV halves in whole numbers, (a + b + c + d + 2) >> 2, and rounds everything else to even
  const halved = box.right - box.left === 2 * size.width && box.bottom - box.top === 2 * size.height;
  const round = halved ? Math.round : roundHalfEven;
  const target = new Uint8Array(size.width * size.height * 3);
  const sums = new Float64Array(size.width * 3);
  for (let y = 0; y < size.height; y += 1) {
    sums.fill(0);
    const { first, weights } = rows[y]!;
    weights.forEach((weight, index) => {
      addRow(sums, photo, box.left, box.top + first + index, columns, weight);
    });
    for (let at = 0; at < sums.length; at += 1) target[y * sums.length + at] = round(sums[at]!);
  }
  return target;
}

interface Area {
  first: number;
  weights: Float64Array;
}

/** For each of `target` places, which of the `source` ones it covers, and how much of it each is. */
function areaTable(source: number, target: number): Area[] {
  const scale = source / target;
  return Array.from({ length: target }, (_, place) => {
    const start = place * scale;
    const end = Math.min(source, start + scale);
    const first = Math.min(source - 1, Math.floor(start + 1e-6));
    const last = Math.max(first, Math.ceil(end - 1e-6) - 1);
    const weights = new Float64Array(last - first + 1);
    for (let at = first; at <= last; at += 1) {
      weights[at - first] = (Math.min(end, at + 1) - Math.max(start, at)) / (end - start);
    }
    return { first, weights };
  });
}

function addRow(
  sums: Float64Array,
  photo: Picture,
  left: number,
  y: number,
  columns: Area[],
  weight: number,
): void {
  const { data } = photo;
  const row = 4 * (y * photo.width + left);
  for (let x = 0; x < columns.length; x += 1) {
    const { first, weights } = columns[x]!;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let index = 0; index < weights.length; index += 1) {
      const at = row + 4 * (first + index);
      const share = weights[index]!;
      red += share * data[at]!;
      green += share * data[at + 1]!;
      blue += share * data[at + 2]!;
    }
    sums[3 * x] = sums[3 * x]! + weight * red;
    sums[3 * x + 1] = sums[3 * x + 1]! + weight * green;
    sums[3 * x + 2] = sums[3 * x + 2]! + weight * blue;
  }
}

interface Places {
  offset: number;
  step: number;
}

function bilinear(part: Uint8Array, from: Size, columns: Places, rows: Places, size: Size): Uint8Array {
  const target = new Uint8Array(size.width * size.height * 3);
  for (let y = 0; y < size.height; y += 1) {
    const { low: top, high: bottom, share: down } = neighbours(rows.offset + y * rows.step, from.height);
    for (let x = 0; x < size.width; x += 1) {
      const {
        low: left,
        high: right,
        share: across,
      } = neighbours(columns.offset + x * columns.step, from.width);
      for (let channel = 0; channel < 3; channel += 1) {
        const value = (row: number, column: number) => part[3 * (row * from.width + column) + channel]!;
        const above = value(top, left) * (1 - across) + value(top, right) * across;
        const below = value(bottom, left) * (1 - across) + value(bottom, right) * across;
        target[3 * (y * size.width + x) + channel] = Math.round(above * (1 - down) + below * down);
      }
    }
  }
  return target;
}

/** The two places beside a position, within 0 to `count` - 1, and how far it is on the way to the second. */
export function neighbours(position: number, count: number): { low: number; high: number; share: number } {
  const floor = Math.floor(position);
  const within = (place: number) => Math.min(count - 1, Math.max(0, place));
  return { low: within(floor), high: within(floor + 1), share: position - floor };
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
