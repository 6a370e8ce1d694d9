import * as ort from "onnxruntime-web/wasm";
import type { Size } from "@/geometry/view";
import { download, Meter, type Wanted } from "./download";
import type { Networks } from "./finder/centerface";
import { networkOf } from "./finder/network";
import type { Fetching } from "./messages";
import { CENTERFACE, ONET } from "./networks";
import type { Logits } from "./upsample";

/** onnxruntime-web itself could not be fetched; this worker is of no use any more. */
export class NoRuntime extends Error {}

/** A model that the browser's runtime does not take. */
export class Unusable extends Error {}

const NO_RUNTIME = /no available backend found/; // of onnxruntime-common 1.30, which remembers it for good

// by itself the runtime takes half of the cores, four at most: of two it would leave one idle
if (self.crossOriginIsolated && navigator.hardwareConcurrency === 2) ort.env.wasm.numThreads = 2;

const sessions = new Map<string, Promise<ort.InferenceSession>>();

export interface Opened {
  model: ort.InferenceSession;
  /** Null where no faces are to be found. */
  networks: Networks | null;
}

/** What a photo needs, made once and kept. Rejects if a file cannot be had or is another one. */
export async function openModels(
  source: Wanted & { sha256: string },
  withFinder: boolean,
  tell: (fetching: Fetching) => void,
): Promise<Opened> {
  const meter = new Meter(tell);
  const [model, centerface, onet] = await Promise.all([
    sessionOf(source, meter),
    withFinder ? sessionOf(CENTERFACE, meter) : null,
    withFinder ? sessionOf(ONET, meter) : null,
  ]);
  const networks = centerface && onet && { centerface: networkOf(centerface), onet: networkOf(onet) };
  return { model, networks };
}

/** Whether the graph's height and width are names and not numbers. */
export function takesAnySize({ inputMetadata: [image] }: ort.InferenceSession): boolean {
  return !!image?.isTensor && image.shape.slice(1, 3).every((side) => typeof side === "string");
}

/** Logits of one RGB picture. */
export async function infer(session: ort.InferenceSession, rgb: Uint8Array, size: Size): Promise<Logits> {
  const image = new ort.Tensor("uint8", rgb, [1, size.height, size.width, 3]);
  const { logits } = await session.run({ image }, ["logits"]);
  const [, height, width, classes] = logits!.dims as [number, number, number, number];
  return { width, height, classes, values: logits!.data as Float32Array };
}

function sessionOf(wanted: Wanted, meter: Meter): Promise<ort.InferenceSession> {
  const key = wanted.sha256 ?? wanted.url;
  const known = sessions.get(key);
  if (known) return known;
  const session = download(wanted, meter).then(createSession);
  session.catch(() => sessions.delete(key));
  sessions.set(key, session);
  return session;
}

async function createSession(bytes: Uint8Array): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes);
  } catch (error) {
    throw NO_RUNTIME.test(String(error)) ? new NoRuntime() : new Unusable(String(error));
  }
}
