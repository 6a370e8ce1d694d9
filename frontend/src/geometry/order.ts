/** Indices of boxes (x, y, width, height) by their middles, from left to right. */
export function leftToRight(boxes: readonly (readonly number[])[]): number[] {
  const middle = ([x = 0, , width = 0]: readonly number[]) => x + width / 2;
  return boxes.map((_, index) => index).sort((one, other) => middle(boxes[one]!) - middle(boxes[other]!));
}
