import type { LabelMap } from "@/labels/label-map";
import type { PictureAnswer, PictureRequest } from "./messages";

let worker: Worker | null = null;
let calls = 0;

interface Wanted {
  /** An address that the page shows. */
  photoUrl: string;
  labels: LabelMap;
  make: PictureRequest["make"];
}

/** A PNG of the photo's own size, made of its pixels and their labels. Nothing is sent. */
export async function pictureFile(wanted: Wanted): Promise<Blob> {
  const made = await ask(await bitmapOf(wanted.photoUrl), wanted, "png");
  if (made.kind !== "png") throw new Error("no picture");
  return made.blob;
}

/** The same to be shown, with at most so many pixels. */
export async function pictureBitmap(wanted: Wanted, mostPixels: number): Promise<ImageBitmap> {
  const made = await ask(await bitmapOf(wanted.photoUrl, mostPixels), wanted, "bitmap");
  if (made.kind !== "bitmap") throw new Error("no picture");
  return made.bitmap;
}

async function bitmapOf(url: string, mostPixels = Infinity): Promise<ImageBitmap> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, Math.sqrt(mostPixels / (width * height)));
  if (scale === 1) return createImageBitmap(image);
  const resizeWidth = Math.round(scale * width);
  return createImageBitmap(image, {
    resizeWidth,
    resizeHeight: Math.round(scale * height),
    resizeQuality: "high",
  });
}

function ask(
  photo: ImageBitmap,
  { labels: { width, height, ids }, make }: Wanted,
  as: PictureRequest["as"],
): Promise<PictureAnswer> {
  worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const mine = worker;
  calls += 1;
  const call = calls;
  // the worker gets a copy: what is shown stays here
  const request: PictureRequest = {
    call,
    photo,
    labels: { width, height, ids: Uint8Array.from(ids) },
    make,
    as,
  };
  return new Promise((resolve, reject) => {
    const listening = new AbortController();
    const settle = (act: () => void) => {
      listening.abort();
      act();
    };
    mine.addEventListener(
      "message",
      ({ data }: MessageEvent<PictureAnswer>) => {
        if (data.call !== call) return;
        if (data.kind === "failed") settle(() => reject(new Error(data.detail)));
        else settle(() => resolve(data));
      },
      listening,
    );
    mine.addEventListener(
      "error",
      ({ message }) => {
        mine.terminate();
        if (worker === mine) worker = null;
        settle(() => reject(new Error(message || "the page's scripts could not be fetched")));
      },
      listening,
    );
    mine.postMessage(request, [photo, request.labels.ids.buffer]);
  });
}
