/** Runs the model off the page's own thread. The photo never leaves the browser. */

import { confidenceOf } from "./confidence";
import { letterbox } from "@/geometry/cut";
import type { DeviceAnswer, DeviceRequest, FailureCode } from "./messages";
import { infer, NoRuntime, openModel, Unusable } from "./model";
import { sample, type Picture } from "./sample";
import { upsample } from "./upsample";

const scope = self as unknown as DedicatedWorkerGlobalScope;
type Say = (message: DeviceAnswer["message"]) => void;

class Failure extends Error {
  constructor(
    readonly code: FailureCode,
    readonly detail?: string,
  ) {
    super(code);
  }
}

/** The latest call: nobody waits for those before it. */
let latest = 0;

scope.onmessage = async ({ data }: MessageEvent<DeviceRequest>) => {
  const say: Say = (message) => scope.postMessage({ call: data.call, message } satisfies DeviceAnswer);
  latest = data.call;
  try {
    await parse(data, say);
  } catch (error) {
    const { code, detail } = error instanceof Failure ? error : new Failure("device_failed", String(error));
    say({ kind: "failed", code, detail });
  }
};

async function parse(
  { call, photo, cut, input, temperatures, model }: DeviceRequest,
  say: Say,
): Promise<void> {
  const fetching = openModel(model, (share) => say({ kind: "fetching", share }));
  const session = await fetching.catch((error: unknown) => {
    throw modelFailure(error);
  });
  say({ kind: "parsing" });
  const started = performance.now();
  const picture = await decode(photo);
  if (call !== latest) return;
  const size = { width: picture.width, height: picture.height };
  const area = cut ?? letterbox(size, input);
  const logits = await infer(session, sample(picture, area, input), input);
  const labels = upsample(logits, area, size);
  const confidence = confidenceOf(logits, labels, temperatures);
  const message = { kind: "labels", labels, confidence, ms: performance.now() - started } as const;
  scope.postMessage({ call, message } satisfies DeviceAnswer, [labels.ids.buffer]);
}

function modelFailure(error: unknown): Failure {
  if (error instanceof NoRuntime) return new Failure("no_runtime");
  if (error instanceof Unusable) return new Failure("model_not_for_browser", error.message);
  if (error instanceof TypeError) return new Failure("no_local_model"); // fetch, in each browser's own words
  return new Failure("no_local_model", String(error));
}

/** Upright RGBA on white, without colour management: what the service decodes. */
async function decode(photo: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(photo, {
    imageOrientation: "from-image",
    colorSpaceConversion: "none",
  }).catch((error: unknown) => {
    throw new Failure("not_readable_here", String(error));
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}
