import { zipSync } from "fflate";

export interface ZipMember {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** PNGs do not shrink further. The time is the first that a zip can hold. */
const STORED = { level: 0, mtime: "1980-01-01 00:00" } as const;

export function zip(members: readonly ZipMember[]): Blob {
  const files = Object.fromEntries(members.map(({ name, bytes }) => [name, bytes]));
  return new Blob([zipSync(files, STORED)], { type: "application/zip" });
}
