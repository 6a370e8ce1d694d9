import { gzipSync } from "fflate";

/** A picture of few values, such as class ids: what a canvas, which knows only RGBA, cannot write. */
export interface Plane {
  width: number;
  height: number;
  /** Row by row. */
  ids: Uint8Array;
}

const GREY = 0;
const PALETTE = 3;

/** An 8-bit PNG of ids in the colours of a palette: RGB, RGB, ... */
export function idsPng(plane: Plane, palette: Uint8Array): Promise<Blob> {
  const lines = new Uint8Array(plane.height * (plane.width + 1)); // each begins with its filter: 0, none
  for (let y = 0; y < plane.height; y += 1) {
    lines.set(plane.ids.subarray(y * plane.width, (y + 1) * plane.width), y * (plane.width + 1) + 1);
  }
  return png(plane, lines, 8, PALETTE, [chunk("PLTE", palette)]);
}

/** A 1-bit grey PNG, white where the id is. */
export function classPng(plane: Plane, id: number): Promise<Blob> {
  const stride = Math.ceil(plane.width / 8) + 1;
  const lines = new Uint8Array(plane.height * stride);
  for (let y = 0; y < plane.height; y += 1) {
    for (let x = 0; x < plane.width; x += 1) {
      if (plane.ids[y * plane.width + x] === id) lines[y * stride + 1 + (x >> 3)]! |= 0x80 >> (x & 7);
    }
  }
  return png(plane, lines, 1, GREY, []);
}

type Bytes = Uint8Array<ArrayBuffer>;

async function png(
  { width, height }: Plane,
  lines: Bytes,
  depth: number,
  kind: number,
  more: Bytes[],
): Promise<Blob> {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, depth);
  header.setUint8(9, kind);
  const signature = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = chunk("IDAT", await deflate(lines));
  const parts = [
    signature,
    chunk("IHDR", new Uint8Array(header.buffer)),
    ...more,
    data,
    chunk("IEND", new Uint8Array()),
  ];
  return new Blob(parts, { type: "image/png" });
}

function chunk(kind: string, data: Uint8Array): Bytes {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** ISO 3309, which is also what gzip ends with, before its length (RFC 1952). */
export function crc32(bytes: Uint8Array): number {
  const gzip = gzipSync(bytes, { level: 0 });
  return new DataView(gzip.buffer, gzip.byteOffset).getUint32(gzip.length - 8, true);
}

async function deflate(bytes: Bytes): Promise<Uint8Array> {
  const stream = new CompressionStream("deflate");
  const writer = stream.writable.getWriter();
  void writer.write(bytes);
  void writer.close();
  return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}
