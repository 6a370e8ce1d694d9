import { absoluteUrl, keyHeader, type ModelDetail } from "@/api/client";
import { trouble, type TroubleError } from "@/api/trouble";
import type { DeviceLabels } from "@/results/result";
import type { Cut } from "@/geometry/cut";
import type { DeviceAnswer, DeviceRequest, FailureCode } from "./messages";

export interface DeviceCall {
  photo: File;
  cut: Cut | null;
  model: ModelDetail;
  key: string;
  signal: AbortSignal;
  /** `share` is that of the model that has come, null where it cannot be told. */
  onProgress: (stage: "model" | "parsing", share: number | null) => void;
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
        if (message.kind === "fetching") call.onProgress("model", message.share);
        else if (message.kind === "parsing") call.onProgress("parsing", null);
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

function requestOf({ photo, cut, model, key }: DeviceCall): DeviceRequest {
  calls += 1;
  return {
    call: calls,
    photo,
    cut,
    input: model.input,
    temperatures: model.temperatures,
    model: {
      url: absoluteUrl(`/api/models/${encodeURIComponent(model.name)}/model.onnx`),
      sha256: model.sha256,
      headers: keyHeader(key),
    },
  };
}
