import type { Box, Point, Size } from "./view";

/**
 * (x, y, 1) -> (x, y), the two rows one after the other. A cut is one that maps the unit square onto a
 * parallelogram of a photo, in its pixels; it may reach beyond the photo (ml_core.images).
 */
export type Affine = readonly [number, number, number, number, number, number];

/** Pixels [left, right) x [top, bottom). */
export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The upright cut of a box. */
export function cutOf({ x, y, width, height }: Box): Affine {
  return [width, 0, x, 0, height, y];
}

export function apply([a, b, x, c, d, y]: Affine, px: number, py: number): Point {
  return { x: a * px + b * py + x, y: c * px + d * py + y };
}

/** What does `second`, then `first`. */
export function composed([a, b, x, c, d, y]: Affine, second: Affine): Affine {
  const [e, f, u, g, h, v] = second;
  return [a * e + b * g, a * f + b * h, a * u + b * v + x, c * e + d * g, c * f + d * h, c * u + d * v + y];
}

export function inverse([a, b, x, c, d, y]: Affine): Affine {
  const area = a * d - b * c;
  const [e, f, g, h] = [d / area, -b / area, -c / area, a / area];
  return [e, f, -(e * x + f * y), g, h, -(g * x + h * y)];
}

/** The cut with the photo's origin at another place. */
export function movedBy([a, b, x, c, d, y]: Affine, dx: number, dy: number): Affine {
  return [a, b, x + dx, c, d, y + dy];
}

/** Column and row of a picture of the cut -> those of the photo (ml_core.images.pixel_affine). */
export function pixelAffine([a, b, x, c, d, y]: Affine, { width, height }: Size): Affine {
  const [e, f, g, h] = [a / width, b / height, c / width, d / height];
  return [e, f, x + (e + f) / 2 - 0.5, g, h, y + (g + h) / 2 - 0.5];
}

/** The pixels of a photo that hold what a cut sees of it, at least one (ml_core.images.bounds). */
export function boundsOf(cut: Affine, photo: Size, margin = 0): Bounds {
  const corners = [apply(cut, 0, 0), apply(cut, 1, 0), apply(cut, 0, 1), apply(cut, 1, 1)];
  const [left, right] = span(
    corners.map(({ x }) => x),
    photo.width,
    margin,
  );
  const [top, bottom] = span(
    corners.map(({ y }) => y),
    photo.height,
    margin,
  );
  return { left, top, right, bottom };
}

function span(places: readonly number[], limit: number, margin: number): [number, number] {
  const low = Math.min(limit - 1, Math.max(0, Math.floor(Math.min(...places) - margin)));
  const high = Math.min(limit, Math.max(low + 1, Math.ceil(Math.max(...places) + margin)));
  return [low, high];
}
