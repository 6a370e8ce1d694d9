import type { Box, Size } from "./view";

/** What the network sees of a photo, in the upright photo's pixels; may reach beyond it. */
export type Cut = Box;

/** The centred cut of a whole photo, with the aspect of the network's input (ml_core.images.letterbox). */
export function letterbox(photo: Size, input: Size): Cut {
  const scale = Math.max(photo.height / input.height, photo.width / input.width);
  const width = scale * input.width;
  const height = scale * input.height;
  return { x: (photo.width - width) / 2, y: (photo.height - height) / 2, width, height };
}

/** A face's box with hair and chin, about what the service cuts out for it. */
const ROOM = 1.75;

/** The cut about a face's box (x, y, width, height), with the aspect of the network's input. */
export function aroundFace([x = 0, y = 0, width = 0, height = 0]: readonly number[], input: Size): Cut {
  const side = ROOM * Math.max(width, height);
  const aspect = input.width / input.height;
  const [w, h] = [side * Math.max(1, aspect), side / Math.min(1, aspect)];
  return { x: x + width / 2 - w / 2, y: y + 0.45 * height - h / 2, width: w, height: h };
}

/** A photo's pixels [left, right) x [top, bottom) within a cut, at least one (ml_core.images.bounds). */
export function bounds(cut: Cut, photo: Size, margin = 0) {
  const [left, right] = span(cut.x, cut.width, photo.width, margin);
  const [top, bottom] = span(cut.y, cut.height, photo.height, margin);
  return { left, top, right, bottom };
}

/**
 * Index i of `places` along a cut -> offset + i * step in pixel indices of the photo.
 * One axis of ml_core.images.pixel_affine.
 */
export function placesAlong(start: number, length: number, places: number): { offset: number; step: number } {
  const step = length / places;
  return { offset: start + step / 2 - 0.5, step };
}

/** A cut moved by whole pixels, kept where at least a quarter of it sees the photo. */
export function moved(cut: Cut, dx: number, dy: number, photo: Size): Cut {
  return {
    ...cut,
    x: keep(cut.x + dx, cut.width, photo.width),
    y: keep(cut.y + dy, cut.height, photo.height),
  };
}

/** A cut made larger or smaller about its centre, from 32 pixels to twice what holds the whole photo. */
export function resized(cut: Cut, factor: number, photo: Size): Cut {
  const most = 2 * letterbox(photo, cut).width;
  const width = Math.min(most, Math.max(Math.min(32, most), cut.width * factor));
  const height = (cut.height * width) / cut.width;
  const about = { x: cut.x + (cut.width - width) / 2, y: cut.y + (cut.height - height) / 2, width, height };
  return moved(about, 0, 0, photo);
}

function keep(start: number, length: number, limit: number): number {
  const overlap = Math.min(length, limit) / 4;
  return Math.min(limit - overlap, Math.max(overlap - length, start));
}

function span(start: number, length: number, limit: number, margin: number): [number, number] {
  const low = Math.min(limit - 1, Math.max(0, Math.floor(start - margin)));
  const high = Math.min(limit, Math.max(low + 1, Math.ceil(start + length + margin)));
  return [low, high];
}
