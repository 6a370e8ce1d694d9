import { absoluteUrl, keyHeader, type ModelDetail } from "@/api/client";
import { trouble, type TroubleError } from "@/api/trouble";
import type { DeviceLabels } from "@/results/result";
import type { Part } from "@/geometry/part";
import type { DeviceAnswer, DeviceRequest, FailureCode, Fetching } from "./messages";

export interface DeviceCall {
  photo: DeviceRequest["photo"];
  faces: DeviceRequest["faces"];
  part: Part | null;
  lane: DeviceRequest["lane"];
  model: ModelDetail;
  key: string;
  signal: AbortSignal;
  /** What is being fetched, once; null when all is there and the photo is being parsed. */
  onProgress: (fetching: Fetching | null) => void;
}

let worker: Worker | null = null;
let calls = 0;

/** Parse a photo in this browser. Throws a TroubleError, or an AbortError. */
export function parseOnDevice(call: DeviceCall): Promise<DeviceLabels> {
  worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const mine = worker;
  const request = requestOf(call);
  return new Promise((resolve, reject) => {
    const listening = new AbortController();
    const settle = (act: () => void) => {
      listening.abort();
      act();
    };
    call.signal.addEventListener(
      "abort",
      () => settle(() => reject(new DOMException("Aborted", "AbortError"))),
      listening,
    );
    mine.addEventListener(
      "error",
      ({ message }) => {
        discard(mine);
        // a script that could not be fetched is an error without a message
        settle(() => reject(message ? failure("device_failed", message) : failure("no_runtime")));
      },
      listening,
    );
    mine.addEventListener(
      "message",
      ({ data }: MessageEvent<DeviceAnswer>) => {
        const { message } = data;
        if (data.call !== request.call) return;
        if (message.kind === "fetching") call.onProgress(message);
        else if (message.kind === "parsing") call.onProgress(null);
        else if (message.kind === "labels") settle(() => resolve(message));
        else {
          if (message.code === "no_runtime") discard(mine);
          settle(() => reject(failure(message.code, message.detail)));
        }
      },
      listening,
    );
    mine.postMessage(request);
  });
}

/** For one that cannot recover: the next call starts another. */
function discard(broken: Worker): void {
  broken.terminate();
  if (worker === broken) worker = null;
}

const FETCHED: readonly FailureCode[] = ["no_runtime", "no_local_model"];

function failure(code: FailureCode, detail?: string): TroubleError {
  if (FETCHED.includes(code) && !navigator.onLine) {
    return trouble("offline", { hint: "The model has to be fetched once. Connect and try again." });
  }
  return trouble(code, { detail });
}

function requestOf({ photo, faces, part, lane, model, key }: DeviceCall): DeviceRequest {
  calls += 1;
  return {
    call: calls,
    photo,
    faces,
    part,
    lane,
    input: model.input,
    face: idsOf(model, "face"),
    hair: idsOf(model, "hair"),
    temperatures: model.temperatures,
    model: modelFile(model, key),
  };
}

/** The model as the service runs it. */
export function modelFile({ name, sha256 }: ModelDetail, key: string) {
  const url = absoluteUrl(`/api/models/${encodeURIComponent(name)}/model.onnx`);
  return { url, sha256, headers: keyHeader(key) };
}

function idsOf({ classes }: ModelDetail, role: "face" | "hair"): number[] {
  return classes.filter((row) => row.role === role).map(({ id }) => id);
}
