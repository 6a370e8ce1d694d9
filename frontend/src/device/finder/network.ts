import * as ort from "onnxruntime-web/wasm";
import type { Size } from "@/geometry/view";

/** Answers of a network to pictures of one size. */
export interface Answers {
  /** Of one picture. */
  dims: readonly number[];
  /** One picture after the other. */
  values: readonly Float32Array[];
}

export type Network = (pictures: readonly Uint8Array[], size: Size) => Promise<Answers>;

/** One of the finder's graphs: `image` uint8 (N, height, width, 3) -> `found` float32 (N, ...). */
export function networkOf(session: ort.InferenceSession): Network {
  return async (pictures, { width, height }) => {
    const bytes = new Uint8Array(pictures.length * height * width * 3);
    pictures.forEach((picture, index) => bytes.set(picture, index * picture.length));
    const image = new ort.Tensor("uint8", bytes, [pictures.length, height, width, 3]);
    const { found } = await session.run({ image }, ["found"]);
    const data = found!.data as Float32Array;
    const each = data.length / pictures.length;
    const values = pictures.map((_, index) => data.subarray(index * each, (index + 1) * each));
    return { dims: found!.dims.slice(1), values };
  };
}
