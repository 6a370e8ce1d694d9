/** Indices of boxes (x, y, width, height) by their middles, from left to right, then from above. */
export function leftToRight(boxes: readonly (readonly number[])[]): number[] {
  const middle = ([x = 0, , width = 0]: readonly number[]) => x + width / 2;
  const places = boxes.map((box, index) => ({ index, x: middle(box), y: box[1] ?? 0 }));
  return places.sort((one, other) => one.x - other.x || one.y - other.y).map(({ index }) => index);
}
