/** From the logits of cuts back to labels at the photo's own size (ml_core.paste). */
import { apply, boundsOf, inverse, type Affine } from "@/geometry/affine";
import type { Box, Size } from "@/geometry/view";
import { emptyLabelMap, type LabelMap } from "@/labels/label-map";
import { upsample, type Logits } from "./upsample";

/** What was seen in a cut. */
export interface Look {
  logits: Logits;
  cut: Affine;
  /** Decides whose a pixel is that two cuts see a part in: the distance from its centre, in its sides. */
  home: Affine;
}

/** Labels of the photo; 0 outside all cuts. The background of one cut never erases another's parts. */
export function paste(looks: readonly Look[], photo: Size): LabelMap {
  const labels = emptyLabelMap({ width: photo.width, height: photo.height });
  const owners = looks.length > 1 ? new Uint16Array(labels.ids.length) : null;
  const homes = looks.map(({ home }) => inverse(home));
  looks.forEach(({ logits, cut }, index) => {
    const { left, top, right, bottom } = boundsOf(cut, photo);
    const found = upsample(logits, cut, { left, top, right, bottom });
    let from = 0;
    for (let y = top; y < bottom; y += 1) {
      for (let x = left, at = y * photo.width + left; x < right; x += 1, at += 1, from += 1) {
        const id = found[from]!;
        if (id === 0) continue;
        if (owners) {
          if (labels.ids[at]! > 0) {
            const theirs = distance(homes[owners[at]!]!, x + 0.5, y + 0.5);
            if (theirs <= distance(homes[index]!, x + 0.5, y + 0.5)) continue;
          }
          owners[at] = index;
        }
        labels.ids[at] = id;
      }
    }
  });
  return labels;
}

/** Make these classes background in the ellipses of boxes: a face is nobody else's hair. */
export function clear(labels: LabelMap, boxes: readonly Box[], classes: readonly number[]): void {
  const cleared = new Set(classes);
  for (const { x, y, width, height } of boxes) {
    const [left, top] = [Math.max(0, Math.round(x)), Math.max(0, Math.round(y))];
    const right = Math.min(labels.width, Math.round(x + width));
    const bottom = Math.min(labels.height, Math.round(y + height));
    for (let row = top; row < bottom; row += 1) {
      for (let column = left; column < right; column += 1) {
        const across = (column + 0.5 - x) / width - 0.5;
        const down = (row + 0.5 - y) / height - 0.5;
        const at = row * labels.width + column;
        if (across ** 2 + down ** 2 <= 0.25 && cleared.has(labels.ids[at]!)) labels.ids[at] = 0;
      }
    }
  }
}

/** Of a point from the centre of a home, by its inverse. */
function distance(home: Affine, x: number, y: number): number {
  const place = apply(home, x, y);
  return Math.hypot(place.x - 0.5, place.y - 0.5);
}
