import type { Box } from "@/geometry/view";

/** Where a box of the photo lies on the stage; `scale`: stage pixels of one of the photo's. */
export function placed({ x, y, width, height }: Box, photo: Box, scale: number) {
  return {
    left: photo.x + x * scale,
    top: photo.y + y * scale,
    width: width * scale,
    height: height * scale,
  };
}
