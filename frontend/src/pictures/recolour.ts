import { labOf, rgbOfLab } from "./oklab";
import type { Picture } from "./matte";

export interface Dye {
  /** RGB, 0 to 255. */
  color: readonly [number, number, number];
  /** 0 to 1 */
  strength: number;
}

/**
 * Gives a part of a photo another colour, in place: hue and saturation go towards the dye's as far as the
 * matte (0 to 255) and the strength say; the lightness of each pixel stays, and with it every hair.
 */
export function recolour(photo: Picture, matte: Uint8ClampedArray, { color, strength }: Dye): void {
  const { data } = photo;
  const [light, towardsA, towardsB] = labOf(...color);
  for (let at = 0; at < matte.length; at += 1) {
    if (matte[at] === 0) continue;
    const share = (strength * matte[at]!) / 255;
    const pixel = data.subarray(4 * at, 4 * at + 3);
    const [lightness, a, b] = labOf(pixel[0]!, pixel[1]!, pixel[2]!);
    // what is nearly black or white shows little colour
    const shown = lightness < light ? lightness / light : (1 - lightness) / Math.max(0.01, 1 - light);
    const saturation = Math.min(1, shown) ** 0.6;
    pixel.set(
      rgbOfLab([lightness, a + share * (saturation * towardsA - a), b + share * (saturation * towardsB - b)]),
    );
  }
}
