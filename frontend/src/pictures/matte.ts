import { between, boxMean, planeOf, smaller, type Plane } from "./planes";

/** A picture as a canvas gives it: RGBA, row by row. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** How much the edge in the photo has to differ, squared, to be followed. */
const EPSILON = 5e-4;
/** What is filtered has at most so many pixels; the result is interpolated to the photo's own. */
const MOST_FILTERED = 700_000;
/** Of the root of the part's area. */
const REACH = 1 / 25;

/**
 * How much of each pixel belongs to a part, 0 to 255: the mask (1 inside), its edge moved to the photo's own
 * edges nearby and softened there (He, Sun, Tang: Guided Image Filtering, 2010; its fast form, 2015).
 */
export function matteOf(photo: Picture, mask: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const { width, height } = photo;
  const matte = new Uint8ClampedArray(width * height);
  const area = mask.reduce((sum, inside) => sum + inside, 0);
  if (area === 0) return matte;
  const reach = Math.max(2, Math.sqrt(area) * REACH);
  const room = boundsOf(mask, width, height, Math.ceil(3 * reach));
  const size = (room.right - room.left) * (room.bottom - room.top);
  const factor = Math.max(1, Math.floor(Math.min(Math.sqrt(size / MOST_FILTERED), reach / 2)));
  const guide = smaller(
    planeIn(room, (at) => lightness(photo.data, 4 * at), width),
    factor,
  );
  const inside = smaller(
    planeIn(room, (at) => mask[at]!, width),
    factor,
  );
  const radius = Math.max(1, Math.round(reach / factor));
  const { slope, offset } = guided(guide, inside, radius);
  const near = boxMean(inside, radius);
  for (let y = room.top; y < room.bottom; y += 1) {
    for (let x = room.left; x < room.right; x += 1) {
      const at = y * width + x;
      const [column, row] = [x - room.left, y - room.top];
      const share = between(near, factor, column, row);
      if (share <= 0.01 || share >= 0.99) {
        matte[at] = share >= 0.99 ? 255 : 0; // far from the edge
        continue;
      }
      const light = lightness(photo.data, 4 * at);
      const value = between(slope, factor, column, row) * light + between(offset, factor, column, row);
      matte[at] = 255 * smoothstep(0.1, 0.9, value);
    }
  }
  return matte;
}

/** The lines that explain the mask by the photo's lightness best, around each pixel. */
function guided(guide: Plane, mask: Plane, radius: number): { slope: Plane; offset: Plane } {
  const mean = (of: (at: number) => number) => boxMean(mapped(guide, of), radius);
  const meanGuide = boxMean(guide, radius);
  const meanMask = boxMean(mask, radius);
  const meanBoth = mean((at) => guide.values[at]! * mask.values[at]!);
  const meanSquare = mean((at) => guide.values[at]! ** 2);
  const slope = mapped(guide, (at) => {
    const covariance = meanBoth.values[at]! - meanGuide.values[at]! * meanMask.values[at]!;
    return covariance / (meanSquare.values[at]! - meanGuide.values[at]! ** 2 + EPSILON);
  });
  const offset = mapped(guide, (at) => meanMask.values[at]! - slope.values[at]! * meanGuide.values[at]!);
  return { slope: boxMean(slope, radius), offset: boxMean(offset, radius) };
}

function mapped({ width, height }: Plane, of: (at: number) => number): Plane {
  const plane = planeOf(width, height);
  for (let at = 0; at < plane.values.length; at += 1) plane.values[at] = of(at);
  return plane;
}

interface Room {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function planeIn({ left, top, right, bottom }: Room, of: (at: number) => number, width: number): Plane {
  const plane = planeOf(right - left, bottom - top);
  let to = 0;
  for (let y = top; y < bottom; y += 1)
    for (let x = left; x < right; x += 1) plane.values[to++] = of(y * width + x);
  return plane;
}

/** What holds the mask, with some room. */
function boundsOf(mask: Uint8Array, width: number, height: number, margin: number): Room {
  const room = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!mask[y * width + x]) continue;
      room.left = Math.min(room.left, x);
      room.right = Math.max(room.right, x + 1);
      room.top = Math.min(room.top, y);
      room.bottom = y + 1;
    }
  }
  return {
    left: Math.max(0, room.left - margin),
    top: Math.max(0, room.top - margin),
    right: Math.min(width, room.right + margin),
    bottom: Math.min(height, room.bottom + margin),
  };
}

/** Of the pixel whose RGBA begins there, 0 to 1 (Rec. 601). */
function lightness(data: Uint8ClampedArray, at: number): number {
  return (0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!) / 255;
}

function smoothstep(low: number, high: number, value: number): number {
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return share * share * (3 - 2 * share);
}
