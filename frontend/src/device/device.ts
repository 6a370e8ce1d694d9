import { absoluteUrl, keyHeader, type ModelDetail } from "@/api/client";
import { trouble } from "@/api/trouble";
import type { DeviceLabels } from "@/studio/result";
import type { Cut } from "./cut";
import type { DeviceAnswer, DeviceRequest } from "./messages";

export interface DeviceCall {
  photo: File;
  cut: Cut | null;
  model: ModelDetail;
  key: string;
  signal: AbortSignal;
  /** Share of the model that has come, null where it cannot be told. */
  onModel: (share: number | null) => void;
  onParsing: () => void;
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
      (event) => {
        worker = null;
        settle(() => reject(trouble("device_failed", { detail: event.message })));
      },
      listening,
    );
    mine.addEventListener(
      "message",
      ({ data }: MessageEvent<DeviceAnswer>) => {
        const { message } = data;
        if (data.call !== request.call) return;
        if (message.kind === "fetching") call.onModel(message.share);
        else if (message.kind === "parsing") call.onParsing();
        else if (message.kind === "labels") settle(() => resolve(message));
        else settle(() => reject(trouble(message.code, { detail: message.detail })));
      },
      listening,
    );
    mine.postMessage(request);
  });
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
