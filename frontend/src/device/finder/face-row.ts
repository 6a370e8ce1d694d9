import type { Face } from "@/api/client";
import type { Point } from "@/geometry/view";
import type { FoundFace } from "./alignment";

/** A face as the API has it: in tenths of a pixel (ml_core.outputs.face_row). `confidence` is by class id. */
export function faceRow(
  { box, score, landmarks }: FoundFace,
  number: number,
  confidence: readonly (number | null)[],
): Face {
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = landmarks.map(at) as [
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  return {
    number,
    box: [box.x, box.y, box.width, box.height].map(tenths),
    score: Math.round(10_000 * score) / 10_000,
    landmarks: {
      left_eye: leftEye,
      right_eye: rightEye,
      nose,
      left_mouth_corner: leftMouth,
      right_mouth_corner: rightMouth,
    },
    classes: confidence.map((sure, id) => ({ id, confidence: sure })),
  };
}

function at({ x, y }: Point): number[] {
  return [tenths(x), tenths(y)];
}

function tenths(value: number): number {
  return Math.round(10 * value) / 10;
}
