import type { Part } from "@/geometry/part";
import type { Photo } from "./photo";

/** A part of what the page shows of a photo, on white, as a file; without loss unless it is large. */
export async function croppedFile({ url, name }: Photo, { x, y, width, height }: Part): Promise<File> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!;
  context.fillStyle = "white"; // as the service has what is transparent; a JPEG would have it black
  context.fillRect(0, 0, width, height);
  context.drawImage(image, x, y, width, height, 0, 0, width, height);
  const type = width * height <= MOST_PNG ? "image/png" : "image/jpeg";
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, 0.95));
  if (!blob) throw new Error("no picture of the part");
  return new File([blob], name, { type });
}

/** Pixels. A PNG of more takes long to make and to send. */
const MOST_PNG = 4_000_000;
