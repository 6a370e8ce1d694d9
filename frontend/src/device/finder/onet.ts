/** O-Net, the better judge of where the landmarks of an upright face are (ml_core.faces.onet). */
import { apply, composed, type Affine } from "@/geometry/affine";
import type { Point } from "@/geometry/view";
import { align } from "./alignment";
import type { Network } from "./network";
import type { Octaves } from "./views";

const SIZE = { width: 48, height: 48 };
/** Faces per run. */
const BATCH = 4;
/** O-Net's square of a face in the unit square of the same face's alignment (measured). */
const SQUARE: Affine = [0.68, 0, 0.16, 0, 0.68, 0.21];

export interface Rated {
  score: number;
  landmarks: Point[];
}

/** Scores in 0..1 and better landmarks for those of faces in a photo. */
export async function rate(
  network: Network,
  photo: Octaves,
  faces: readonly (readonly Point[])[],
): Promise<Rated[]> {
  const found: Rated[] = [];
  for (let first = 0; first < faces.length; first += BATCH) {
    const cuts = faces.slice(first, first + BATCH).map((points) => composed(align(points), SQUARE));
    const pictures = cuts.map((cut) => photo.picture({ cut, size: SIZE }));
    const { values } = await network(pictures, SIZE);
    cuts.forEach((cut, index) => found.push(ratingOf(values[index]!, cut)));
  }
  return found;
}

/** Of 15 values the fifth to ninth are the landmarks' x, then come their y, the last is the score's logit. */
function ratingOf(values: Float32Array, cut: Affine): Rated {
  const landmarks = Array.from({ length: 5 }, (_, at) => apply(cut, values[4 + at]!, values[9 + at]!));
  return { score: 1 / (1 + Math.exp(-values[14]!)), landmarks };
}
