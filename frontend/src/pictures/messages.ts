import type { Dye } from "./recolour";

/** Parts that are recoloured as one. */
export interface Dyed {
  /** Class ids. */
  ids: readonly number[];
  dye: Dye;
}

/** What is to be made of a photo and the labels of its pixels. */
export interface PictureRequest {
  call: number;
  photo: ImageBitmap;
  /** Class ids, row by row, of a map of its own size, which is stretched over the photo. */
  labels: { width: number; height: number; ids: Uint8Array<ArrayBuffer> };
  make: { kind: "cutout"; ids: readonly number[] } | { kind: "recoloured"; parts: readonly Dyed[] };
  /** A PNG, or the pixels to be shown. */
  as: "png" | "bitmap";
}

export type PictureAnswer = { call: number } & (
  { kind: "png"; blob: Blob } | { kind: "bitmap"; bitmap: ImageBitmap } | { kind: "failed"; detail: string }
);
