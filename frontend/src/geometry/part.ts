import type { Box, Point, Size } from "./view";

/** A part of a photo, in whole pixels of it and never beyond it. */
export type Part = Box;

/** Pixels a side has at least, where the photo has as many: there is nothing to parse in less. */
export const LEAST_SIDE = 32;

/** A corner by which a part is taken hold of. */
export interface Corner {
  x: "left" | "right";
  y: "top" | "bottom";
}

export const CORNERS: readonly Corner[] = [
  { x: "left", y: "top" },
  { x: "right", y: "top" },
  { x: "left", y: "bottom" },
  { x: "right", y: "bottom" },
];

/** What lies between two points that a person pressed and let go. */
export function partBetween(one: Point, other: Point, photo: Size): Part {
  const [x, width] = between(one.x, other.x, photo.width);
  const [y, height] = between(one.y, other.y, photo.height);
  return { x, y, width, height };
}

/** The middle half of a photo. */
export function middlePart({ width, height }: Size): Part {
  return partBetween(
    { x: width / 4, y: height / 4 },
    { x: (3 * width) / 4, y: (3 * height) / 4 },
    {
      width,
      height,
    },
  );
}

export function movedPart({ x, y, width, height }: Part, dx: number, dy: number, photo: Size): Part {
  return {
    x: Math.round(clamp(x + dx, 0, photo.width - width)),
    y: Math.round(clamp(y + dy, 0, photo.height - height)),
    width,
    height,
  };
}

/** One corner pulled by so many pixels; the opposite one stays where it is. */
export function pulledPart(part: Part, corner: Corner, dx: number, dy: number, photo: Size): Part {
  const { x, y, width, height } = part;
  const across = corner.x === "right" ? end(x, x + width + dx, photo.width) : start(x + width, x + dx);
  const down = corner.y === "bottom" ? end(y, y + height + dy, photo.height) : start(y + height, y + dy);
  return { x: across.from, y: down.from, width: across.length, height: down.length };
}

/** Larger or smaller about its middle, as far as the photo goes. */
export function scaledPart({ x, y, width, height }: Part, factor: number, photo: Size): Part {
  const [dx, dy] = [((factor - 1) * width) / 2, ((factor - 1) * height) / 2];
  return partBetween({ x: x - dx, y: y - dy }, { x: x + width + dx, y: y + height + dy }, photo);
}

/** Start and length of one side, of LEAST_SIDE at least. */
function between(one: number, other: number, limit: number): [number, number] {
  const low = Math.round(clamp(Math.min(one, other), 0, limit));
  const high = Math.round(clamp(Math.max(one, other), 0, limit));
  const length = Math.max(high - low, Math.min(LEAST_SIDE, limit));
  return [Math.min(low, limit - length), length];
}

/** A side whose start stays. */
function end(from: number, to: number, limit: number) {
  return { from, length: Math.round(clamp(to, Math.min(from + LEAST_SIDE, limit), limit)) - from };
}

/** A side whose end stays. */
function start(to: number, from: number) {
  const kept = Math.round(clamp(from, 0, Math.max(0, to - LEAST_SIDE)));
  return { from: kept, length: to - kept };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
