import { trouble } from "@/api/trouble";
import { asPng, isAvif } from "./avif";

/** A photo a person gave, as it is: its bytes are what is sent. */
export interface Photo {
  id: number;
  file: File;
  name: string;
  /** An object URL of what the page shows. */
  url: string;
  /** Of the upright picture; null where this browser cannot show the file. */
  size: { width: number; height: number } | null;
}

/** What the file chooser offers; leaving HEIC out makes iOS hand over a JPEG. */
export const ACCEPTED = "image/jpeg,image/png,image/webp,image/bmp,image/tiff,image/gif,image/avif";

let opened = 0;

/**
 * One of the `known` photos if the file is the same as its own, else a new one.
 * Throws a TroubleError for what is no photo at all or known not to be read.
 */
export async function openPhoto(given: File, known: readonly Photo[] = []): Promise<Photo> {
  if (given.size === 0) throw trouble("empty_file");
  const head = new Uint8Array(await given.slice(0, 32).arrayBuffer());
  if (isHeic(head)) throw trouble("heic");
  const file = isAvif(head) ? await asPng(given) : given;
  if (!file.type.startsWith("image/") && !looksLikeImage(head)) throw trouble("not_a_photo");
  for (const photo of known) if (await isSameFile(photo.file, file)) return photo;
  const url = URL.createObjectURL(file);
  opened += 1;
  return { id: opened, file, name: file.name || "photo.jpg", url, size: await pictureSize(url) };
}

async function isSameFile(one: File, other: File): Promise<boolean> {
  if (one.name !== other.name || one.size !== other.size) return false;
  const [left, right] = await Promise.all(
    [one, other].map(async (file) => new Uint8Array(await file.arrayBuffer())),
  );
  return left!.every((byte, at) => byte === right![at]);
}

/** The upright size of a picture this browser can show, else null. */
export async function pictureSize(url: string): Promise<{ width: number; height: number } | null> {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    return null;
  }
  return { width: image.naturalWidth, height: image.naturalHeight };
}

/** The pictures of a paste or a drop; where there is none the first file, for a clear message. */
export function photosIn(transfer: DataTransfer | null): File[] {
  const files = [...(transfer?.files ?? [])];
  const pictures = files.filter((file) => file.type.startsWith("image/"));
  return pictures.length > 0 ? pictures : files.slice(0, 1);
}

/** By the ISO base media brands of HEIC and HEIF (ISO/IEC 23008-12); AVIF has others. */
export function isHeic(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head);
  return (
    text.slice(4, 8) === "ftyp" &&
    /^(hei[cxms]|hev[cxms]|mif1|msf1)/.test(text.slice(8, 12)) &&
    !/avi[fs]/.test(text)
  );
}

function looksLikeImage(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head);
  return /^(\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*|BM|RIFF....WEBP)/s.test(text);
}
