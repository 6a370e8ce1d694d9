import type { Plane } from "./png";

const SIGNATURE = 8;

/**
 * The values of an 8-bit grey PNG that is not interlaced. A canvas would do the same in four bytes a pixel,
 * and not at all for large photos on a phone. Rejects for any other PNG (PNG specification, third edition).
 */
export async function readGreyPng(bytes: Uint8Array<ArrayBuffer>): Promise<Plane> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array<ArrayBuffer>[] = [];
  let size: { width: number; height: number } | null = null;
  for (let at = SIGNATURE; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") {
      const [depth, color, , , interlaced] = content.subarray(8);
      if (depth !== 8 || color !== 0 || interlaced !== 0) throw new Error("no 8-bit grey PNG");
      size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
    }
    if (kind === "IDAT") data.push(content);
    at += 12 + length;
  }
  if (!size) throw new Error("no PNG");
  return { ...size, ids: unfiltered(await inflated(data), size.width, size.height) };
}

async function inflated(parts: Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const written = Promise.all([...parts.map((part) => writer.write(part)), writer.close()]);
  const bytes = new Uint8Array(await new Response(stream.readable).arrayBuffer());
  await written;
  return bytes;
}

/** Rows that each begin with their filter -> values. */
function unfiltered(rows: Uint8Array, width: number, height: number): Uint8Array {
  if (rows.length !== (width + 1) * height) throw new Error("a PNG of another size than it says");
  const ids = new Uint8Array(width * height);
  let above = new Uint8Array(width);
  for (let y = 0; y < height; y += 1) {
    const from = y * (width + 1) + 1;
    const values = ids.subarray(y * width, (y + 1) * width);
    const undo = UNDO[rows[from - 1]!];
    if (!undo) throw new Error("no filter of PNG");
    undo(values, rows.subarray(from, from + width), above);
    above = values;
  }
  return ids;
}

/** By a filter's number: writes a row's values. Each differs by `line` from what those beside it foretell. */
const UNDO: readonly ((values: Uint8Array, line: Uint8Array, above: Uint8Array) => void)[] = [
  (values, line) => values.set(line),
  (values, line) => {
    let left = 0;
    for (let x = 0; x < line.length; x += 1) values[x] = left = (line[x]! + left) & 255;
  },
  (values, line, above) => {
    for (let x = 0; x < line.length; x += 1) values[x] = line[x]! + above[x]!;
  },
  (values, line, above) => {
    let left = 0;
    for (let x = 0; x < line.length; x += 1) values[x] = left = (line[x]! + ((left + above[x]!) >> 1)) & 255;
  },
  (values, line, above) => {
    let [left, corner] = [0, 0];
    for (let x = 0; x < line.length; x += 1) {
      const up = above[x]!;
      values[x] = left = (line[x]! + nearest(left, up, corner)) & 255;
      corner = up;
    }
  },
];

/** Paeth's: of three the one nearest to left + above - corner. */
function nearest(left: number, above: number, corner: number): number {
  const a = Math.abs(above - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + above - 2 * corner);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}
