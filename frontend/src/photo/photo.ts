import { trouble } from "@/api/trouble";

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
export const ACCEPTED = "image/jpeg,image/png,image/webp,image/bmp,image/tiff,image/gif";

let opened = 0;

/**
 * One of the `known` photos if the file is the same as its own, else a new one.
 * Throws a TroubleError for what is no photo at all or known not to be read.
 */
export async function openPhoto(file: File, known: readonly Photo[] = []): Promise<Photo> {
  if (file.size === 0) throw trouble("empty_file");
  const head = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  if (isHeic(head)) throw trouble("heic");
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

/** The first picture of a paste or a drop, if there is one; else the first file, for a clear message. */
export function photoIn(transfer: DataTransfer | null): File | null {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
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
