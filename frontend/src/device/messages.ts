import type { DeviceLabels } from "@/results/result";
import type { Cut } from "@/geometry/cut";
import type { Size } from "@/geometry/view";

/** What the page asks of the worker. */
export interface DeviceRequest {
  /** Comes back in the answers, which may be of a call that nobody waits for any more. */
  call: number;
  photo: Blob;
  /** Null: the whole photo. */
  cut: Cut | null;
  input: Size;
  /** By class id: divides the logits for the confidence. */
  temperatures: readonly number[];
  model: { url: string; sha256: string; headers: Record<string, string> };
}

/** What the worker says: progress while the model comes, then the labels or why there are none. */
export interface DeviceAnswer {
  call: number;
  message:
    | { kind: "fetching"; share: number | null }
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
