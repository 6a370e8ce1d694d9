import type { Picture } from "./matte";

/** Makes a photo as clear, in place, as the matte (0 to 255) says; what was clear before stays so. */
export function cutOut({ data }: Picture, matte: Uint8ClampedArray): void {
  for (let at = 0; at < matte.length; at += 1) data[4 * at + 3] = (data[4 * at + 3]! * matte[at]!) / 255;
}
