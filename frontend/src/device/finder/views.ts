/** Which parts of a photo the finder looks at, and how large: ml_core.faces.views, to the letter. */
import { boundsOf, type Affine } from "@/geometry/affine";
import type { Box, Size } from "@/geometry/view";
import { halved, roundHalfEven, warp, type Raster } from "@/device/raster";
import { scaledBy } from "@/device/sample";

/** The sides of a picture are multiples of it, in pixels. */
const UNIT = 32;
/** Pixels of a picture at most, about. */
const AREA = 240 * 1024;
/** The smallest face looked for, in pixels of the photo, and how large it has to be in a picture. */
const [LEAST, SEEN] = [24, 12];
/** Nor are faces looked for that are smaller than this share of one that was found already. */
const SHARE = 1 / 8;
/** Tiles are worth their time from this much more detail on. */
const FINER = 1.6;
/** Pictures at most. */
const TILES = 20;
/** Pixels that neighbouring tiles share. */
const OVERLAP = 64;
/** Longer side in pixels of the smallest picture, and what is around the photo in it. */
const [WHOLE, ROOM] = [160, 1 / 6];

/** A cut and the size in pixels of its picture. */
export interface View {
  cut: Affine;
  size: Size;
}

/** A photo, its half, its quarter and so on, made when first needed. */
export class Octaves {
  private readonly rasters: Raster[];

  constructor(photo: Raster) {
    this.rasters = [photo];
  }

  /** The cut as RGB of `size`, from the octave in which it is one to two times as large; mirrored outside. */
  picture({ cut, size }: View): Uint8Array {
    const step = Math.hypot(cut[0], cut[3]) / size.width;
    const octave = this.octave(Math.floor(Math.log2(Math.max(step, 1))));
    const full = this.rasters[0]!;
    const scaled = scaledBy(cut, 0, 0, octave.width / full.width, octave.height / full.height);
    return warp(octave, boundsOf(scaled, octave, 2), scaled, size, "mirror").data as Uint8Array;
  }

  private octave(number: number): Raster {
    for (let last = this.rasters.at(-1)!; this.rasters.length <= number; last = this.rasters.at(-1)!) {
      if (Math.max(last.width, last.height) <= 1) break;
      this.rasters.push(halved(last));
    }
    return this.rasters[Math.min(number, this.rasters.length - 1)]!;
  }
}

/** All of a photo, as large as AREA allows; and small, with room around it. */
export function wholePhoto(photo: Size): View[] {
  const room = ROOM * Math.max(photo.height, photo.width);
  const longer = Math.max(photo.height, photo.width) + 2 * room;
  const around = { x: -room, y: -room, width: photo.width + 2 * room, height: photo.height + 2 * room };
  return [upright({ x: 0, y: 0, ...photo }, scaleOf(photo)), upright(around, WHOLE / longer)];
}

/** The parts in which small faces are seen; `largest` is the height of the largest face found, 0 if none. */
export function tiles(photo: Size, largest: number): View[] {
  const coarse = scaleOf(photo);
  const wanted = SEEN / Math.max(LEAST, SHARE * largest);
  const scale = Math.min(wanted, 0.8 * coarse * Math.sqrt(TILES));
  if (scale < FINER * coarse) return [];
  const [height, width] = [photo.height * scale, photo.width * scale];
  const shorter = Math.min(height, width);
  const few = parts(shorter, Math.sqrt(AREA));
  const many = parts(Math.max(height, width), AREA / Math.max(UNIT, share(shorter, few)));
  const [down, across] = height <= width ? [few, many] : [many, few];
  const [tall, wide] = [share(height, down), share(width, across)];
  return Array.from({ length: down * across }, (_, index) => {
    const [row, column] = [Math.floor(index / across), index % across];
    const x = (column * (wide - OVERLAP)) / scale;
    const y = (row * (tall - OVERLAP)) / scale;
    return upright({ x, y, width: wide / scale, height: tall / scale }, scale);
  });
}

/** Squares `room` times as large as a box, upright and turned by each quarter; pictures of `side` pixels. */
export function turns({ x, y, width, height }: Box, room: number, side: number): View[] {
  const centre = { x: x + width / 2, y: y + height / 2 };
  const half = (room * Math.max(width, height)) / 2;
  let [right, down] = [
    { x: half, y: 0 },
    { x: 0, y: half },
  ];
  return Array.from({ length: 4 }, () => {
    const cut: Affine = [
      2 * right.x,
      2 * down.x,
      centre.x - right.x - down.x,
      2 * right.y,
      2 * down.y,
      centre.y - right.y - down.y,
    ];
    [right, down] = [down, { x: -right.x, y: -right.y }];
    return { cut, size: { width: side, height: side } };
  });
}

/** How many tiles of `most` pixels at most, with OVERLAP, make a length. */
function parts(length: number, most: number): number {
  return Math.max(1, Math.ceil((length - OVERLAP) / (most - OVERLAP)));
}

/** The length of each of the tiles. */
function share(length: number, count: number): number {
  return (length - OVERLAP) / count + OVERLAP;
}

/**
 * At which a photo makes a picture of AREA, with little left over to whole units; at most 1. The shorter side
 * of a picture is one unit at least, however narrow the photo.
 */
function scaleOf({ width, height }: Size): number {
  const most = Math.min(Math.sqrt(AREA / (height * width)), AREA / UNIT / Math.max(height, width));
  const whole = (side: number) => (Math.max(1, roundHalfEven((side * most) / UNIT)) * UNIT) / side;
  return Math.min(1, whole(height), whole(width));
}

/** The part of a photo at `scale`, with a little more on the right and below to make whole units. */
function upright({ x, y, width, height }: Box, scale: number): View {
  const units = (side: number) => Math.max(1, Math.ceil((side * scale) / UNIT - 0.01)) * UNIT;
  const size = { width: units(width), height: units(height) };
  return { cut: [size.width / scale, 0, x, 0, size.height / scale, y], size };
}
