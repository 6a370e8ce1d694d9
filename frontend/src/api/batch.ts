import { unzipSync } from "fflate";
import { api, keyHeader, type SegmentOptions } from "./client";
import { throughGate } from "./sending";
import { asTrouble, troubleOf } from "./trouble";

/** Of one request: well within what the service takes. */
const MOST = { photos: 8, bytes: 12 << 20 };

interface BatchCall {
  photos: readonly File[];
  options: SegmentOptions;
  key: string;
  signal?: AbortSignal;
}

/**
 * POST /api/segment/batch/, in as many requests as it takes: the answer to each photo, null for one that
 * could not be parsed. Throws a TroubleError.
 */
export async function segmentBatch(call: BatchCall): Promise<(Uint8Array<ArrayBuffer> | null)[]> {
  const found: (Uint8Array<ArrayBuffer> | null)[] = [];
  for (const photos of portions(call.photos)) found.push(...(await answersOf({ ...call, photos })));
  return found;
}

async function answersOf({ photos, options, key, signal }: BatchCall) {
  try {
    const { data, error, response } = await api.POST("/api/segment/batch/", {
      params: { query: options },
      headers: { ...keyHeader(key), Accept: "application/zip" },
      body: { images: [] },
      bodySerializer: () => formOf(photos),
      parseAs: "arrayBuffer",
      signal: throughGate(signal),
    });
    if (!data) throw troubleOf(response, error, { key });
    const files = unzipSync(new Uint8Array(data));
    return photos.map((_, index) => {
      const name = Object.keys(files).find((each) => each.startsWith(String(index).padStart(3, "0")));
      return name === undefined ? null : new Uint8Array(files[name]!);
    });
  } catch (error) {
    throw asTrouble(error, { key });
  }
}

function portions(photos: readonly File[]): File[][] {
  const found: File[][] = [];
  let bytes = Infinity;
  for (const photo of photos) {
    bytes += photo.size;
    if (bytes > MOST.bytes || found.at(-1)!.length === MOST.photos) {
      found.push([]);
      bytes = photo.size;
    }
    found.at(-1)!.push(photo);
  }
  return found;
}

function formOf(photos: readonly File[]): FormData {
  const form = new FormData();
  for (const photo of photos) form.append("images", photo, photo.name);
  return form;
}
