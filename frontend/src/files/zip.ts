import { crc32 } from "./crc32";

export interface ZipMember {
  /** ASCII */
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const DOS_EPOCH = 0x0021; // 1 January 1980

/** A zip with its members as they are (APPNOTE 6.3.10): PNGs do not shrink further. */
export function zip(members: readonly ZipMember[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, bytes } of members) {
    const entry = entryOf(name, bytes);
    const local = record([0x04034b50, 4], ...entry);
    parts.push(local, bytes);
    directory.push(record([0x02014b50, 4], [20, 2], ...entry.slice(0, -1), [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4], name));
    offset += local.length + bytes.length;
  }
  const length = directory.reduce((sum, { length: each }) => sum + each, 0);
  const count = members.length;
  const end = record([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [length, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** A little-endian number and its bytes, or text. */
type Field = [value: number, bytes: 2 | 4] | string;

/** What the two headers of a member have in common: version, flags, method, time, sum, sizes, lengths, name. */
function entryOf(name: string, bytes: Uint8Array): Field[] {
  const size: Field = [bytes.length, 4];
  return [[20, 2], [0, 2], [0, 2], [0, 2], [DOS_EPOCH, 2], [crc32(bytes), 4], size, size, [name.length, 2], [0, 2], name];
}

function record(...fields: Field[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const field of fields) {
    if (typeof field === "string") bytes.push(...[...field].map((letter) => letter.charCodeAt(0)));
    else for (let at = 0; at < field[1]; at += 1) bytes.push((field[0] >>> (8 * at)) & 0xff);
  }
  return Uint8Array.from(bytes);
}
