/** Runs the networks off the page's own thread. The photo never leaves the browser. */

import type { Part } from "@/geometry/part";
import { inPhoto } from "@/labels/label-map";
import { confidenceOf } from "./confidence";
import { findFaces } from "./finder/centerface";
import { faceRow } from "./finder/face-row";
import { Follower } from "./finder/follower";
import { Octaves } from "./finder/views";
import type { Size } from "@/geometry/view";
import type { DeviceAnswer, DeviceRequest, FailureCode } from "./messages";
import { infer, NoRuntime, openModels, takesAnySize, Unusable } from "./model";
import { parseFaces, parseWhole } from "./parse";
import type { Raster } from "./raster";
import { coarse } from "./wide";

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

/** Nobody waits for this call any more. */
class Stale extends Error {}

/** The latest call of each lane: nobody waits for those before it. */
const latest = new Map<DeviceRequest["lane"], number>();

/** Of the camera's moving picture. */
const follower = new Follower();

scope.onmessage = async ({ data }: MessageEvent<DeviceRequest>) => {
  const say: Say = (message) => scope.postMessage({ call: data.call, message } satisfies DeviceAnswer);
  latest.set(data.lane, data.call);
  try {
    await parse(data, say);
  } catch (error) {
    if (error instanceof Stale) return;
    const { code, detail } = error instanceof Failure ? error : new Failure("device_failed", String(error));
    say({ kind: "failed", code, detail });
  }
};

async function parse(request: DeviceRequest, say: Say): Promise<void> {
  const { call, lane, photo, faces, part, input, face, hair, temperatures } = request;
  const goOn = () => {
    if (call !== latest.get(lane)) throw new Stale();
  };
  const opening = openModels(request.model, faces === "auto", (fetching) =>
    say({ kind: "fetching", ...fetching }),
  );
  const { model, networks } = await opening.catch((error: unknown) => {
    throw modelFailure(error);
  });
  say({ kind: "parsing" });
  const started = performance.now();
  const whole = await decode(photo);
  const raster = part ? cropped(whole, part) : whole;
  const see = (rgb: Uint8Array, size: Size) => {
    goOn();
    return infer(model, rgb, size);
  };
  const anySize = takesAnySize(model);
  const isLive = lane === "camera"; // many coarse pictures a second rather than few fine ones
  const parser = { input: isLive && anySize ? coarse(input) : input, face, hair, anySize, infer: see };
  const facesIn = isLive ? follower.facesIn.bind(follower) : findFaces;
  const found = networks
    ? await parseFaces(parser, raster, await facesIn(networks, new Octaves(raster), raster, goOn))
    : await parseWhole(parser, raster);
  goOn();
  const message = {
    kind: "labels" as const,
    labels: part ? inPhoto(found.labels, part, whole) : found.labels,
    confidence: confidenceOf(found.logits, found.labels, temperatures),
    faces: found.faces.map((face, index) =>
      faceRow(face, index + 1, confidenceOf([found.logits[index]!], found.labels, temperatures)),
    ),
    warnings: found.logits.length > 0 ? [] : ["no_face_found"],
    ms: performance.now() - started,
  } satisfies DeviceAnswer["message"];
  scope.postMessage({ call, message } satisfies DeviceAnswer, [message.labels.ids.buffer]);
}

function modelFailure(error: unknown): Failure {
  if (error instanceof NoRuntime) return new Failure("no_runtime");
  if (error instanceof Unusable) return new Failure("model_not_for_browser", error.message);
  if (error instanceof TypeError) return new Failure("no_local_model"); // fetch, in each browser's own words
  return new Failure("no_local_model", String(error));
}

/** Upright RGBA on white, in sRGB whatever the photo's own colours are: what the service decodes. */
async function decode(photo: Blob | ImageBitmap): Promise<Raster> {
  const bitmap = await createImageBitmap(photo, { imageOrientation: "from-image" }).catch(() => {
    throw new Failure("not_readable_here"); // the browser's own words say no more
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
}

function cropped({ width, channels, data }: Raster, part: Part): Raster {
  const target = new Uint8ClampedArray(part.width * part.height * channels);
  const line = part.width * channels;
  for (let row = 0; row < part.height; row += 1) {
    const start = ((part.y + row) * width + part.x) * channels;
    target.set(data.subarray(start, start + line), row * line);
  }
  return { width: part.width, height: part.height, channels, data: target };
}
