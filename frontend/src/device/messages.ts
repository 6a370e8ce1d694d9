import type { LabelMap } from "@/labels/label-map";
import type { Cut, Size } from "./cut";

/** What the page asks of the worker. */
export interface DeviceRequest {
  /** Comes back in the answers, which may be of a call that nobody waits for any more. */
  call: number;
  photo: Blob;
  /** Null: the whole photo. */
  cut: Cut | null;
  input: Size;
  model: { url: string; sha256: string; headers: Record<string, string> };
}

/** What the worker says: progress while the model comes, then the labels or why there are none. */
export interface DeviceAnswer {
  call: number;
  message:
    | { kind: "fetching"; share: number | null }
    | { kind: "parsing" }
    | { kind: "labels"; labels: LabelMap; ms: number }
    | { kind: "failed"; code: "no_local_model" | "not_readable_here" | "device_failed"; detail: string };
}
