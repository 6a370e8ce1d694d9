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
export const ACCEPTED = "image/jpeg,image/png,image/webp,image/bmp,image/tiff,image/gif,image/avif";

let opened = 0;

/**
 * One of the `known` photos if the file is the same as its own, else a new one, without its size.
 * Throws a TroubleError for what is no photo at all.
 */
export async function openPhoto(file: File, known: readonly Photo[] = []): Promise<Photo> {
  if (file.size === 0) throw trouble("empty_file");
  if (!(await isPicture(file))) throw trouble("not_a_photo");
  for (const photo of known) if (await isSameFile(photo.file, file)) return photo;
  opened += 1;
  return { id: opened, file, name: file.name || "photo.jpg", url: URL.createObjectURL(file), size: null };
}

/** The photo with its size, where this browser can show it. */
export async function measured(photo: Photo): Promise<Photo> {
  return photo.size ? photo : { ...photo, size: await pictureSize(photo.url) };
}

async function isSameFile(one: File, other: File): Promise<boolean> {
  if (one.name !== other.name || one.size !== other.size) return false;
  const [left, right] = await Promise.all(
    [one, other].map(async (file) => new Uint8Array(await file.arrayBuffer())),
  );
  return left!.every((byte, at) => byte === right![at]);
}

/** The upright size of a picture this browser can show, else null. */
async function pictureSize(url: string): Promise<{ width: number; height: number } | null> {
  const image = new Image();
  const loaded = new Promise<boolean>((resolve) => {
    image.onload = () => resolve(true); // decode() would wait for every pixel: a second for a large photo
    image.onerror = () => resolve(false);
  });
  image.src = url;
  return (await loaded) ? { width: image.naturalWidth, height: image.naturalHeight } : null;
}

/** By its type, or its first bytes: systems that cannot show HEIC have no type for it. */
export async function isPicture(file: File): Promise<boolean> {
  return file.type.startsWith("image/") || looksLikeImage(await headOf(file));
}

/** By the ISO base media brands of HEIC and HEIF (ISO/IEC 23008-12); AVIF has others. */
export async function isHeic(file: File): Promise<boolean> {
  const head = await headOf(file);
  return /^....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)/s.test(head) && !/avi[fs]/.test(head);
}

function looksLikeImage(head: string): boolean {
  return /^(\xff\xd8\xff|\x89PNG|GIF8|II[*+]\0|MM\0[*+]|BM|RIFF....WEBP|....ftyp(avi|hei|hev|mif|msf))/s.test(
    head,
  );
}

/** The first bytes, each as a character. */
async function headOf(file: File): Promise<string> {
  return String.fromCharCode(...new Uint8Array(await file.slice(0, 32).arrayBuffer()));
}
