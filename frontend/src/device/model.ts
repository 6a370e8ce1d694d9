import * as ort from "onnxruntime-web/wasm";
import type { Size } from "@/geometry/view";
import type { Logits } from "./upsample";

ort.env.wasm.numThreads = 1; // more would need cross-origin isolation, which the page cannot count on

export interface ModelSource {
  url: string;
  sha256: string;
  headers: Record<string, string>;
}

/** onnxruntime-web itself could not be fetched; this worker is of no use any more. */
export class NoRuntime extends Error {}

/** A model that the browser's runtime does not take. */
export class Unusable extends Error {}

const NO_RUNTIME = /no available backend found/; // of onnxruntime-common 1.30, which remembers it for good

let open: { sha256: string; session: Promise<ort.InferenceSession> } | null = null;

/** A session of the model, made once and kept. Rejects if its file cannot be had or is another one. */
export function openModel(
  source: ModelSource,
  onShare: (share: number | null) => void,
): Promise<ort.InferenceSession> {
  if (open?.sha256 !== source.sha256) {
    const session = fetchModel(source, onShare).then(createSession);
    session.catch(() => (open = null));
    open = { sha256: source.sha256, session };
  }
  return open.session;
}

/** Logits of one input-sized RGB picture. */
export async function infer(session: ort.InferenceSession, rgb: Uint8Array, input: Size): Promise<Logits> {
  const image = new ort.Tensor("uint8", rgb, [1, input.height, input.width, 3]);
  const { logits } = await session.run({ image }, ["logits"]);
  const [, height, width, classes] = logits!.dims as [number, number, number, number];
  return { width, height, classes, values: logits!.data as Float32Array };
}

async function createSession(bytes: Uint8Array): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes);
  } catch (error) {
    throw NO_RUNTIME.test(String(error)) ? new NoRuntime() : new Unusable(String(error));
  }
}

async function fetchModel({ url, sha256, headers }: ModelSource, onShare: (share: number | null) => void) {
  onShare(null);
  const response = await fetch(url, { headers });
  if (!response.ok || !response.body) throw new Error(`${response.status} ${response.statusText}`);
  const total = Number(response.headers.get("Content-Length")) || null;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    loaded += part.value.length;
    onShare(total && Math.min(1, loaded / total));
  }
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  await verify(bytes, sha256);
  return bytes;
}

/** Only secure contexts can hash; elsewhere the network is trusted as for the page itself. */
async function verify(bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<void> {
  if (!isSecureContext) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256) throw new Error("the model is not the one the service describes");
}
