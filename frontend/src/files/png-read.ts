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

/** Rows that each begin with their filter -> values; a filter foretells each byte from those beside it. */
function unfiltered(rows: Uint8Array, width: number, height: number): Uint8Array {
  if (rows.length !== (width + 1) * height) throw new Error("a PNG of another size than it says");
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const from = y * (width + 1) + 1;
    const to = y * width;
    const filter = rows[from - 1]!;
    if (filter === 0) {
      ids.set(rows.subarray(from, from + width), to);
      continue;
    }
    for (let x = 0; x < width; x += 1) {
      const left = x > 0 ? ids[to + x - 1]! : 0;
      const above = y > 0 ? ids[to + x - width]! : 0;
      const corner = x > 0 && y > 0 ? ids[to + x - width - 1]! : 0;
      ids[to + x] = rows[from + x]! + foretold(filter, left, above, corner);
    }
  }
  return ids;
}

function foretold(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const a = Math.abs(above - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + above - 2 * corner);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}
