import { inverse, pixelAffine, type Affine, type Bounds } from "@/geometry/affine";
import type { Size } from "@/geometry/view";

/** What the network says of a cut: values by row, column and class. */
export interface Logits extends Size {
  classes: number;
  values: Float32Array;
}

const MIXED = 255;

/**
 * Labels of an area of a photo, row by row, from the logits of one cut, as the service makes them
 * (ml_core.paste): the best class of the bilinearly interpolated logits, 0 outside the cut. Where the four
 * logits around a pixel agree, none is needed.
 */
export function upsample(logits: Logits, cut: Affine, { left, top, right, bottom }: Bounds): Uint8Array {
  const { width, height } = logits;
  const cells = cellsOf(logits);
  const [a, b, x0, c, d, y0] = inverse(pixelAffine(cut, logits));
  const labels = new Uint8Array((right - left) * (bottom - top));
  let at = 0;
  for (let row = top; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1, at += 1) {
      const x = a * column + b * row + x0;
      const y = c * column + d * row + y0;
      const cellX = Math.round(x + 0.5);
      const cellY = Math.round(y + 0.5);
      if (cellX < 0 || cellY < 0 || cellX > width || cellY > height) continue;
      const label = cells[cellY * (width + 1) + cellX]!;
      labels[at] = label === MIXED ? bestBetween(logits, x, y) : label;
    }
  }
  return labels;
}

/** Cell (i, j) lies between logits i - 1 and i, j - 1 and j: their class, or MIXED. */
function cellsOf({ width, height, classes, values }: Logits): Uint8Array {
  const best = new Uint8Array(width * height);
  for (let cell = 0; cell < best.length; cell += 1) {
    let winner = 0;
    for (let id = 1; id < classes; id += 1) {
      if (values[cell * classes + id]! > values[cell * classes + winner]!) winner = id;
    }
    best[cell] = winner;
  }
  const cells = new Uint8Array((width + 1) * (height + 1));
  for (let row = 0; row <= height; row += 1) {
    const above = Math.max(0, row - 1) * width;
    const below = Math.min(height - 1, row) * width;
    for (let column = 0; column <= width; column += 1) {
      const [west, east] = [Math.max(0, column - 1), Math.min(width - 1, column)];
      const first = best[above + west]!;
      const same =
        first === best[above + east] && first === best[below + west] && first === best[below + east];
      cells[row * (width + 1) + column] = same ? first : MIXED;
    }
  }
  return cells;
}

function bestBetween({ width, height, classes, values }: Logits, x: number, y: number): number {
  const [floorX, floorY] = [Math.floor(x), Math.floor(y)];
  const [across, down] = [x - floorX, y - floorY];
  const corner = (row: number, column: number) =>
    (Math.min(height - 1, Math.max(0, row)) * width + Math.min(width - 1, Math.max(0, column))) * classes;
  const [a, b] = [corner(floorY, floorX), corner(floorY, floorX + 1)];
  const [c, d] = [corner(floorY + 1, floorX), corner(floorY + 1, floorX + 1)];
  let winner = 0;
  let highest = -Infinity;
  for (let id = 0; id < classes; id += 1) {
    const above = (1 - across) * values[a + id]! + across * values[b + id]!;
    const below = (1 - across) * values[c + id]! + across * values[d + id]!;
    const value = (1 - down) * above + down * below;
    if (value > highest) [winner, highest] = [id, value];
  }
  return winner;
}
