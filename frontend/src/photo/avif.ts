import { trouble } from "@/api/trouble";

/** By the brands of AVIF (AV1 Image File Format, ISO base media). */
export function isAvif(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head);
  return text.slice(4, 8) === "ftyp" && /avi[fs]/.test(text);
}

/** AVIF as this browser shows it, written as a PNG, which everything here reads. Throws a TroubleError. */
export async function asPng(file: File): Promise<File> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw trouble("avif");
  });
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0);
  bitmap.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw trouble("avif");
  return new File([blob], file.name.replace(/\.avif$/i, "") + ".png", { type: "image/png" });
}
