import type { Box, Size } from "./view";

/** The centred cut of a whole photo, with the aspect of the network's input (ml_core.images.letterbox). */
export function letterbox(photo: Size, input: Size): Box {
  const scale = Math.max(photo.height / input.height, photo.width / input.width);
  const width = scale * input.width;
  const height = scale * input.height;
  return { x: (photo.width - width) / 2, y: (photo.height - height) / 2, width, height };
}
