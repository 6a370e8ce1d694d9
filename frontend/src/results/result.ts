import type { Answer, Face, ModelDetail, SegmentOptions } from "@/api/client";
import type { Part } from "@/geometry/part";
import { readGreyPng } from "@/files/png-read";
import { coarser, countIds, inPhoto, stepFor, type LabelMap } from "@/labels/label-map";
import type { Photo } from "@/photo/photo";

/** Where a photo is parsed. */
export type Where = "service" | "device";

/** Which part of a photo is parsed, and how. */
export interface Look {
  faces: NonNullable<SegmentOptions["faces"]>;
  /** That alone is parsed; null for the whole photo. */
  part: Part | null;
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
  /** Every pixel's label; null where they are many and the service's picture of them holds them. */
  full: LabelMap | null;
  /** The service's picture of the labels. */
  picture: Uint8Array<ArrayBuffer> | null;
  classes: FoundClass[];
  faces: Face[];
  warnings: string[];
  /** How many faces the photo has, of which the largest are parsed; null where those are all. */
  facesFound: number | null;
  /** Milliseconds of computing, without the way there and back. */
  ms: number;
}

/** `picture` is the answer's labels as a PNG. Rejects where it is none. */
export async function resultOfAnswer(
  photo: Photo,
  task: Task,
  answer: Answer,
  picture: Uint8Array<ArrayBuffer>,
): Promise<Result> {
  const { decode, locate, infer } = answer.timing_ms;
  const size = task.part && photo.size ? photo.size : answer.image;
  const found = await readGreyPng(picture, task.part ? undefined : stepFor);
  const labels = task.part ? inPhoto(found, task.part, size) : found;
  const sharesOf = task.part ? found.ids.length / labels.ids.length : 1; // of the photo, not of its part
  return {
    photo,
    task,
    size,
    labels: task.part ? coarser(labels, stepFor(size.width, size.height)) : labels,
    full: labels.step === 1 ? labels : null,
    picture,
    classes: answer.classes.map(({ id, share, confidence }) => ({
      id,
      share: id === 0 ? 1 - (1 - share) * sharesOf : share * sharesOf,
      confidence,
    })),
    faces: answer.faces,
    warnings: answer.warnings,
    facesFound: answer.faces_found ?? null,
    ms: decode + locate + infer,
  };
}

/** What the device found: the label and the confidence of every class by its id, and the faces. */
export interface DeviceLabels {
  labels: LabelMap;
  confidence: (number | null)[];
  faces: Face[];
  warnings: string[];
  ms: number;
}

export function resultOfLabels(
  photo: Photo,
  task: Task,
  { labels: full, confidence, faces, warnings, ms }: DeviceLabels,
  model: ModelDetail,
): Result {
  const counts = countIds(full, model.classes);
  const classes = [...counts]
    .filter(([, count]) => count > 0)
    .map(([id, count]) => ({ id, share: count / full.ids.length, confidence: confidence[id] ?? null }));
  const labels = coarser(full, stepFor(full.width, full.height));
  const rest = { faces, facesFound: null, warnings, ms, picture: null };
  return { photo, task, size: full.image, labels, full, classes, ...rest };
}

/** Every pixel's label. */
export async function fullLabels({ full, labels, picture }: Result): Promise<LabelMap> {
  return full ?? (picture ? readGreyPng(picture) : labels);
}
