import { boundsOf, pixelAffine, type Affine } from "@/geometry/affine";
import type { Size } from "@/geometry/view";
import { reduced, roundHalfEven, warp, wholeOf, type Raster } from "./raster";

/**
 * What the network sees: the cut as RGB bytes of `size`, as the service makes it (ml_core.images.sample).
 * A reduction is done by area averaging first, the rest bilinearly; beyond the photo its edge goes on.
 */
export function sample(photo: Raster, cut: Affine, size: Size): Uint8Array {
  const [a, b, , c, d] = pixelAffine(cut, size);
  const reduction = Math.max(1, Math.sqrt(Math.hypot(a, c) * Math.hypot(b, d)));
  const area = boundsOf(cut, photo, 2 * reduction);
  if (reduction === 1) return warp(photo, area, cut, size, "edge").data as Uint8Array;
  const [width, height] = [area.right - area.left, area.bottom - area.top];
  const part = reduced(photo, area, {
    width: Math.max(1, roundHalfEven(width / reduction)),
    height: Math.max(1, roundHalfEven(height / reduction)),
  });
  const scaled = scaledBy(cut, area.left, area.top, part.width / width, part.height / height);
  return warp(part, wholeOf(part), scaled, size, "edge").data as Uint8Array;
}

/** The cut in a part of the photo that begins at (left, top) and is scaled. */
export function scaledBy(
  [a, b, x, c, d, y]: Affine,
  left: number,
  top: number,
  scaleX: number,
  scaleY: number,
): Affine {
  return [a * scaleX, b * scaleX, (x - left) * scaleX, c * scaleY, d * scaleY, (y - top) * scaleY];
}
