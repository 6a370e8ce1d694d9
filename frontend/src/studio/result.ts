import type { Answer, Face, ModelDetail, SegmentOptions } from "@/api/client";
import type { Cut } from "@/device/cut";
import { countIds, labelMapOf, type LabelMap } from "@/labels/label-map";
import type { Photo } from "@/photo/photo";

/** Where a photo is parsed. */
export type Where = "service" | "device";

/** What a person wants done with the photo. */
export interface Task {
  where: Where;
  faces: NonNullable<SegmentOptions["faces"]>;
  /** On the device: where to look; null for the whole photo. */
  cut: Cut | null;
}

/** A class of the table, as found in a photo. */
export interface FoundClass {
  id: number;
  share: number;
  confidence: number | null;
}

/** A parsed photo. */
export interface Result {
  photo: Photo;
  task: Task;
  size: { width: number; height: number };
  labels: LabelMap;
  classes: FoundClass[];
  faces: Face[];
  warnings: string[];
  /** Milliseconds of computing, without the way there and back. */
  ms: number;
  /** The API's JSON, byte for byte; null on the device. */
  bytes: Blob | null;
}

export function resultOfAnswer(photo: Photo, task: Task, answer: Answer, bytes: Blob): Result {
  const { decode, locate, infer } = answer.timing_ms;
  return {
    photo,
    task,
    size: answer.image,
    labels: labelMapOf(answer.image, answer.classes),
    classes: answer.classes.map(({ id, share, confidence }) => ({ id, share, confidence })),
    faces: answer.faces,
    warnings: answer.warnings,
    ms: decode + locate + infer,
    bytes,
  };
}

export function resultOfLabels(photo: Photo, task: Task, labels: LabelMap, ms: number, model: ModelDetail): Result {
  const counts = countIds(labels, model.classes);
  const classes = [...counts]
    .filter(([, count]) => count > 0)
    .map(([id, count]) => ({ id, share: count / labels.ids.length, confidence: null }));
  return { photo, task, size: labels.image, labels, classes, faces: [], warnings: [], ms, bytes: null };
}
