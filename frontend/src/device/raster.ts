import { pixelAffine, type Affine, type Bounds } from "@/geometry/affine";
import type { Size } from "@/geometry/view";

/** A picture row by row, of which the first three of its channels are red, green and blue. */
export interface Raster extends Size {
  channels: number;
  data: Uint8Array<ArrayBuffer> | Uint8ClampedArray<ArrayBuffer>;
}

/** What lies outside: its edge goes on, or it is mirrored (OpenCV's BORDER_REPLICATE and BORDER_REFLECT). */
export type Border = "edge" | "mirror";

/**
 * The cut as an RGB raster of `size`, taken bilinearly from the `area` of a picture (ml_core.images.warp).
 * In OpenCV's single precision: the finder's network rounds, and makes much of the last bit.
 */
export function warp(from: Raster, area: Bounds, cut: Affine, size: Size, border: Border): Raster {
  const [a, b, x0, c, d, y0] = Float32Array.from(pixelAffine(cut, size)) as unknown as Affine;
  const { data, channels, width } = from;
  const { left, top, right, bottom } = area;
  const { fround } = Math;
  const within = border === "edge" ? clamped : mirrored;
  const target = new Uint8ClampedArray(size.width * size.height * 3); // rounds halves to even, as OpenCV does
  let at = 0;
  for (let row = 0; row < size.height; row += 1) {
    const startX = fround(b * row + x0);
    const startY = fround(d * row + y0);
    for (let column = 0; column < size.width; column += 1) {
      const x = fround(a * column + startX);
      const y = fround(c * column + startY);
      let west = Math.floor(x);
      let north = Math.floor(y);
      const across = fround(x - west);
      const down = fround(y - north);
      let east = west + 1;
      let south = north + 1;
      if (west < left || east >= right || north < top || south >= bottom) {
        west = within(west, left, right);
        east = within(east, left, right);
        north = within(north, top, bottom);
        south = within(south, top, bottom);
      }
      const first = (north * width + west) * channels;
      const second = (north * width + east) * channels;
      const third = (south * width + west) * channels;
      const fourth = (south * width + east) * channels;
      for (let channel = 0; channel < 3; channel += 1) {
        const one = data[first + channel]!;
        const other = data[third + channel]!;
        const above = fround(across * (data[second + channel]! - one) + one);
        const below = fround(across * (data[fourth + channel]! - other) + other);
        target[at] = fround(down * fround(below - above) + above);
        at += 1;
      }
    }
  }
  return { ...size, channels: 3, data: new Uint8Array(target.buffer) };
}

/** Half as large, (n + 1) / 2 pixels each way, each the mean of the area it covers (OpenCV's INTER_AREA). */
export function halved(from: Raster): Raster {
  const size = { width: (from.width + 1) >> 1, height: (from.height + 1) >> 1 };
  if (from.width % 2 || from.height % 2) return reduced(from, wholeOf(from), size);
  const { data, channels } = from;
  const target = new Uint8Array(size.width * size.height * 3);
  const line = from.width * channels;
  let at = 0;
  for (let y = 0; y < size.height; y += 1) {
    for (let source = 2 * y * line, end = source + line; source < end; source += 2 * channels) {
      for (let channel = 0; channel < 3; channel += 1) {
        const one = source + channel;
        const sum = data[one]! + data[one + channels]! + data[one + line]! + data[one + line + channels]!;
        target[at] = (sum + 2) >> 2; // OpenCV halves in whole numbers
        at += 1;
      }
    }
  }
  return { ...size, channels: 3, data: target };
}

/** The area of a picture as RGB of `size`, each the mean of the area it covers (OpenCV's INTER_AREA). */
export function reduced(from: Raster, area: Bounds, size: Size): Raster {
  const [width, height] = [area.right - area.left, area.bottom - area.top];
  const columns = areaTable(width, size.width);
  const rows = areaTable(height, size.height);
  // OpenCV halves in whole numbers, (a + b + c + d + 2) >> 2, and rounds everything else to even
  const round = width === 2 * size.width && height === 2 * size.height ? Math.round : roundHalfEven;
  const target = new Uint8Array(size.width * size.height * 3);
  const sums = new Float64Array(size.width * 3);
  for (let y = 0; y < size.height; y += 1) {
    sums.fill(0);
    const { first, weights } = rows[y]!;
    for (let index = 0; index < weights.length; index += 1) {
      addRow(sums, from, area.left, area.top + first + index, columns, weights[index]!);
    }
    for (let at = 0; at < sums.length; at += 1) target[y * sums.length + at] = round(sums[at]!);
  }
  return { ...size, channels: 3, data: target };
}

export function wholeOf({ width, height }: Size): Bounds {
  return { left: 0, top: 0, right: width, bottom: height };
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
  { data, width, channels }: Raster,
  left: number,
  y: number,
  columns: Area[],
  weight: number,
): void {
  const row = channels * (y * width + left);
  for (let x = 0; x < columns.length; x += 1) {
    const { first, weights } = columns[x]!;
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let index = 0; index < weights.length; index += 1) {
      const at = row + channels * (first + index);
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

function clamped(place: number, from: number, to: number): number {
  return Math.min(to - 1, Math.max(from, place));
}

function mirrored(place: number, from: number, to: number): number {
  let at = place;
  while (at < from || at >= to) at = at < from ? 2 * from - at - 1 : 2 * to - at - 1;
  return at;
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
