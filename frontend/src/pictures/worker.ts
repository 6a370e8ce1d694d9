import { cutOut } from "./cut-out";
import { matteOf, type Picture } from "./matte";
import type { PictureAnswer, PictureRequest } from "./messages";
import { recolour } from "./recolour";

onmessage = ({ data }: MessageEvent<PictureRequest>) => {
  const { call } = data;
  answer(data).then(
    (made) => postMessage({ call, ...made }, made.kind === "bitmap" ? { transfer: [made.bitmap] } : {}),
    (error: unknown) => postMessage({ call, kind: "failed", detail: String(error) } satisfies PictureAnswer),
  );
};

type Made = { kind: "png"; blob: Blob } | { kind: "bitmap"; bitmap: ImageBitmap };

async function answer({ photo, labels, make, as }: PictureRequest): Promise<Made> {
  const canvas = new OffscreenCanvas(photo.width, photo.height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(photo, 0, 0);
  photo.close();
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  if (make.kind === "cutout") cutOut(picture, matteOf(picture, maskOf(labels, make.ids, picture)));
  else {
    const { width, height, data } = picture;
    const edges = { width, height, data: data.slice() }; // one part's new colour is no edge of the next
    for (const { ids, dye } of make.parts) {
      const matte = matteOf(edges, maskOf(labels, ids, picture));
      recolour(picture, matte, dye);
    }
  }
  context.putImageData(picture, 0, 0);
  if (as === "bitmap") return { kind: "bitmap", bitmap: canvas.transferToImageBitmap() };
  return { kind: "png", blob: await canvas.convertToBlob({ type: "image/png" }) };
}

/** 1 where one of the ids is, at the picture's own size. */
function maskOf(
  labels: PictureRequest["labels"],
  ids: readonly number[],
  { width, height }: Pick<Picture, "width" | "height">,
): Uint8Array {
  const wanted = new Uint8Array(256);
  for (const id of ids) wanted[id] = 1;
  const mask = new Uint8Array(width * height);
  const columns = Uint32Array.from({ length: width }, (_, x) =>
    Math.min(labels.width - 1, Math.floor(((x + 0.5) * labels.width) / width)),
  );
  for (let y = 0; y < height; y += 1) {
    const row = Math.min(labels.height - 1, Math.floor(((y + 0.5) * labels.height) / height)) * labels.width;
    for (let x = 0; x < width; x += 1) mask[y * width + x] = wanted[labels.ids[row + columns[x]!]!]!;
  }
  return mask;
}
