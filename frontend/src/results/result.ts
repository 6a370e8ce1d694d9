import type { Answer, Face, ModelDetail, SegmentOptions } from "@/api/client";
import type { Cut } from "@/geometry/cut";
import { coarser, countIds, labelMapOf, stepFor, type LabelMap } from "@/labels/label-map";
import type { Photo } from "@/photo/photo";

/** Where a photo is parsed. */
export type Where = "service" | "device";

/** Which part of a photo is parsed, and how. */
export interface Look {
  faces: NonNullable<SegmentOptions["faces"]>;
  /** On the device: where to look; null for the whole photo. */
  cut: Cut | null;
}

/** What was done with a photo. */
export interface Task extends Look {
  where: Where;
  /** A name of the service's models; null for its default one. */
  model: string | null;
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
  /** What is shown. */
  labels: LabelMap;
  /** Every pixel's label, where they were made on the device; null else: the service has them. */
  full: LabelMap | null;
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
    full: null,
    classes: answer.classes.map(({ id, share, confidence }) => ({ id, share, confidence })),
    faces: answer.faces,
    warnings: answer.warnings,
    ms: decode + locate + infer,
    bytes,
  };
}

/** What the device found: the label and the confidence of every class by its id. */
export interface DeviceLabels {
  labels: LabelMap;
  confidence: (number | null)[];
  ms: number;
}

export function resultOfLabels(
  photo: Photo,
  task: Task,
  { labels: full, confidence, ms }: DeviceLabels,
  model: ModelDetail,
): Result {
  const counts = countIds(full, model.classes);
  const classes = [...counts]
    .filter(([, count]) => count > 0)
    .map(([id, count]) => ({ id, share: count / full.ids.length, confidence: confidence[id] ?? null }));
  const labels = coarser(full, stepFor(full.width, full.height));
  return { photo, task, size: full.image, labels, full, classes, faces: [], warnings: [], ms, bytes: null };
}

/** Every pixel's label: those made on the device, or the service's, from its JSON. */
export async function fullLabels({ full, labels, bytes }: Result): Promise<LabelMap> {
  if (full) return full;
  if (labels.step === 1 || !bytes) return labels;
  const { image, classes } = JSON.parse(await bytes.text()) as Answer;
  return labelMapOf(image, classes, 1);
}
