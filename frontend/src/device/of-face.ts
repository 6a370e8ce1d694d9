import type { Face } from "@/api/client";
import { apply, inverse, type Affine } from "@/geometry/affine";
import type { LabelMap } from "@/labels/label-map";
import { alignment } from "./finder/alignment";

/**
 * The labels of one of the faces; the others' become background. A label belongs to the face that is nearest:
 * by the distance from the middle of the face's cut, in sides of the cut, as where cuts overlap in
 * ml_core.paste.
 */
export function labelsOfFace(labels: LabelMap, faces: readonly Face[], face: number): LabelMap {
  return faces.length < 2 ? labels : ownedBy(face, labels, ownersOf(labels, faces));
}

/** The same of each of the faces, whose labels are told apart once. */
export function labelsOfFaces(labels: LabelMap, faces: readonly Face[]): LabelMap[] {
  if (faces.length < 2) return faces.map(() => labels);
  const owners = ownersOf(labels, faces);
  return faces.map((_, face) => ownedBy(face, labels, owners));
}

function ownedBy(face: number, labels: LabelMap, owners: Uint16Array): LabelMap {
  return { ...labels, ids: labels.ids.map((id, at) => (owners[at] === face ? id : 0)) };
}

/** The face of each label; that of the background is of no concern. */
function ownersOf({ ids, width, step }: LabelMap, faces: readonly Face[]): Uint16Array {
  const inCuts = faces.map((each) => inverse(cutOfFace(each)));
  const owners = new Uint16Array(ids.length);
  for (let at = 0; at < ids.length; at += 1) {
    if (ids[at] === 0) continue;
    const x = ((at % width) + 0.5) * step;
    const y = (Math.floor(at / width) + 0.5) * step;
    owners[at] = nearest(inCuts, x, y);
  }
  return owners;
}

function nearest(inCuts: readonly Affine[], x: number, y: number): number {
  let found = 0;
  let least = Infinity;
  for (let index = 0; index < inCuts.length; index += 1) {
    const at = apply(inCuts[index]!, x, y);
    const distance = (at.x - 0.5) ** 2 + (at.y - 0.5) ** 2;
    if (distance < least) [found, least] = [index, distance];
  }
  return found;
}

function cutOfFace({ box, score, landmarks }: Face): Affine {
  const [x = 0, y = 0, width = 0, height = 0] = box;
  const { left_eye, right_eye, nose, left_mouth_corner, right_mouth_corner } = landmarks;
  const points = [left_eye, right_eye, nose, left_mouth_corner, right_mouth_corner];
  return alignment({
    box: { x, y, width, height },
    score,
    landmarks: points.map(([px = 0, py = 0]) => ({ x: px, y: py })),
  });
}
