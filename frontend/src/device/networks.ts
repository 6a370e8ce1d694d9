import { isKept, type Wanted } from "./download";

/** The finder's graphs, copied from ml_core/faces/networks by the build; their addresses change with them. */
export const CENTERFACE: Wanted = {
  url: new URL("./finder/networks/centerface.onnx", import.meta.url).href,
  sha256: null,
};
export const ONET: Wanted = {
  url: new URL("./finder/networks/onet.onnx", import.meta.url).href,
  sha256: null,
};

/** What runs them; onnxruntime-web fetches it by itself. */
const RUNTIME = new URL(
  "../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
  import.meta.url,
).href;

/**
 * The bytes that are fetched before a first photo can be parsed by a model: 0 if all is in this browser, null
 * where nobody can tell.
 */
export async function bytesToFetch(model: Wanted): Promise<number | null> {
  const files = [model, CENTERFACE, ONET];
  const kept = await Promise.all(files.map(isKept));
  const missing = files.filter((_, index) => !kept[index]);
  if (missing.length === files.length) missing.push({ url: RUNTIME, sha256: null });
  const sizes = await Promise.all(missing.map(sizeOf));
  return sizes.reduce<number | null>((sum, size) => (sum === null || size === null ? null : sum + size), 0);
}

/** As it is sent, perhaps compressed. */
async function sizeOf({ url, headers }: Wanted): Promise<number | null> {
  const response = await fetch(url, { method: "HEAD", headers });
  return (response.ok && Number(response.headers.get("Content-Length"))) || null;
}
