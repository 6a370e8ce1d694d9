import type { Part } from "@/geometry/part";
import type { Size } from "@/geometry/view";
import type { DeviceLabels } from "@/results/result";

/** What the page asks of the worker. */
export interface DeviceRequest {
  /** Comes back in the answers, which may be of a call that nobody waits for any more. */
  call: number;
  /** A call ends those before it of the same lane. */
  lane: "stage" | "batch" | "camera";
  photo: Blob | ImageBitmap;
  /** Find the faces, or take all of it as one. */
  faces: "auto" | "whole";
  /** The part of the photo that alone is parsed; null: all of it. */
  part: Part | null;
  input: Size;
  /** Ids of the classes that are parts of a face, and that are hair. */
  face: readonly number[];
  hair: readonly number[];
  /** By class id: divides the logits for the confidence. */
  temperatures: readonly number[];
  model: { url: string; sha256: string; headers: Record<string, string> };
}

/** What is on its way: the share that has come, and all of its bytes; null where nobody can tell. */
export interface Fetching {
  share: number | null;
  bytes: number | null;
}

/** What the worker says: progress while the networks come, then the labels or why there are none. */
export interface DeviceAnswer {
  call: number;
  message:
    | ({ kind: "fetching" } & Fetching)
    | { kind: "parsing" }
    | ({ kind: "labels" } & DeviceLabels)
    | {
        kind: "failed";
        code: FailureCode;
        /** In the words of whatever failed. */
        detail?: string;
      };
}

export type FailureCode =
  "no_runtime" | "no_local_model" | "model_not_for_browser" | "not_readable_here" | "device_failed";
