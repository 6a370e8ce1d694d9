/** How a face is cut out: one square, whatever its size and tilt (ml_core.faces.alignment). */
import type { Affine } from "@/geometry/affine";
import type { Box, Point } from "@/geometry/view";

/** A face found in a photo; its landmarks are eyes, nose and the corners of the mouth, left ones first. */
export interface FoundFace {
  box: Box;
  score: number;
  landmarks: readonly Point[];
}

/** Half the side of a cut over the root of the box's area, at least. */
const LEAST = 0.7;
/** Half sides by which the box's middle may lie beside that of the landmarks before the cut follows it. */
const SLACK = 0.1;

/** The cut of a face: `align`, corrected by its box where that holds the landmarks. */
export function alignment({ landmarks, box }: FoundFace): Affine {
  const cut = align(landmarks);
  const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const mean = middle(landmarks);
  if (Math.abs(mean.x - centre.x) >= box.width / 2 || Math.abs(mean.y - centre.y) >= box.height / 2)
    return cut;
  const right = { x: cut[0] / 2, y: cut[3] / 2 };
  const down = { x: cut[1] / 2, y: cut[4] / 2 };
  const at = { x: cut[2] + right.x + down.x, y: cut[5] + right.y + down.y };
  const halfSide = Math.hypot(right.x, right.y);
  const beside = (right.x * (centre.x - at.x) + right.y * (centre.y - at.y)) / halfSide ** 2;
  const shift = Math.sign(beside) * Math.max(0, Math.abs(beside) - SLACK);
  const larger = Math.max(1, (LEAST * Math.sqrt(box.width * box.height)) / halfSide);
  return square({ x: at.x + shift * right.x, y: at.y + shift * right.y }, right, down, larger);
}

/** The cut in which CelebA-HQ shows a face (Karras et al., "Progressive Growing of GANs", appendix C). */
export function align(landmarks: readonly Point[]): Affine {
  const [leftEye, rightEye, , leftMouth, rightMouth] = landmarks as [Point, Point, Point, Point, Point];
  const eyes = middle([leftEye, rightEye]);
  const mouth = middle([leftMouth, rightMouth]);
  const across = { x: rightEye.x - leftEye.x, y: rightEye.y - leftEye.y };
  const down = { x: mouth.x - eyes.x, y: mouth.y - eyes.y };
  const along = { x: across.x + down.y, y: across.y - down.x };
  const halfSide = Math.max(2 * Math.hypot(across.x, across.y), 1.8 * Math.hypot(down.x, down.y), 1);
  const factor = halfSide / Math.max(Math.hypot(along.x, along.y), 1e-9);
  const right = { x: along.x * factor, y: along.y * factor };
  const below = { x: -right.y, y: right.x };
  return square({ x: eyes.x + 0.1 * down.x, y: eyes.y + 0.1 * down.y }, right, below, 1);
}

function square(centre: Point, right: Point, down: Point, by: number): Affine {
  return [
    2 * by * right.x,
    2 * by * down.x,
    centre.x - by * (right.x + down.x),
    2 * by * right.y,
    2 * by * down.y,
    centre.y - by * (right.y + down.y),
  ];
}

function middle(points: readonly Point[]): Point {
  const sum = points.reduce((one, other) => ({ x: one.x + other.x, y: one.y + other.y }));
  return { x: sum.x / points.length, y: sum.y / points.length };
}
