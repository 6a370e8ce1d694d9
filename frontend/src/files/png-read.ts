import type { Plane } from "./png";

const SIGNATURE = 8;

type Size = Pick<Plane, "width" | "height">;

/** A PNG's values, of every `step`-th pixel both ways, and its own size. */
interface ReadPlane extends Plane {
  image: Size;
  step: number;
}

/**
 * The values of an 8-bit grey PNG that is not interlaced. A canvas would do the same in four bytes a pixel,
 * and not at all for large photos on a phone. Rejects for any other PNG (PNG specification, third edition).
 */
export async function readGreyPng(
  bytes: Uint8Array<ArrayBuffer>,
  stepFor: (width: number, height: number) => number = () => 1,
): Promise<ReadPlane> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array<ArrayBuffer>[] = [];
  let size: Size | null = null;
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
  const rows = await inflated(data, (size.width + 1) * size.height);
  undoFilters(rows, size.width);
  return picked(rows, size, stepFor(size.width, size.height));
}

/** Read piece by piece: a Response would gather the pieces in half as much time again. */
async function inflated(parts: Uint8Array<ArrayBuffer>[], length: number): Promise<Uint8Array> {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const written = Promise.all([...parts.map((part) => writer.write(part)), writer.close()]);
  written.catch(() => undefined); // the reader is told
  const bytes = new Uint8Array(length);
  const reader = stream.readable.getReader();
  let at = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    if (at + value.length > length) throw new Error(OTHER_SIZE);
    bytes.set(value, at);
    at += value.length;
  }
  if (at !== length) throw new Error(OTHER_SIZE);
  return bytes;
}

const OTHER_SIZE = "a PNG of another size than it says";

/** Rows that each begin with their filter become their values, which begin with 0, none. */
function undoFilters(rows: Uint8Array, width: number): void {
  let above: Uint8Array = new Uint8Array(width);
  for (let from = 0; from < rows.length; from += width + 1) {
    const undo = UNDO[rows[from]!];
    if (!undo) throw new Error("no filter of PNG");
    const line = rows.subarray(from + 1, from + 1 + width);
    undo(line, above);
    rows[from] = 0;
    above = line;
  }
}

/** By a filter's number: makes of a row's differences from what those beside it foretell its values. */
const UNDO: readonly ((line: Uint8Array, above: Uint8Array) => void)[] = [
  () => undefined,
  (line) => {
    for (let x = 1; x < line.length; x += 1) line[x]! += line[x - 1]!;
  },
  (line, above) => {
    for (let x = 0; x < line.length; x += 1) line[x]! += above[x]!;
  },
  (line, above) => {
    for (let x = 0; x < line.length; x += 1) line[x]! += ((line[x - 1] ?? 0) + above[x]!) >> 1;
  },
  (line, above) => {
    for (let x = 0; x < line.length; x += 1)
      line[x]! += nearest(line[x - 1] ?? 0, above[x]!, above[x - 1] ?? 0);
  },
];

function picked(rows: Uint8Array, image: Size, step: number): ReadPlane {
  const width = Math.ceil(image.width / step);
  const height = Math.ceil(image.height / step);
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const from = y * step * (image.width + 1) + 1;
    if (step === 1) ids.set(rows.subarray(from, from + width), y * width);
    else for (let x = 0; x < width; x += 1) ids[y * width + x] = rows[from + x * step]!;
  }
  return { image, step, width, height, ids };
}

/** Paeth's: of three the one nearest to left + above - corner. */
function nearest(left: number, above: number, corner: number): number {
  const a = Math.abs(above - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + above - 2 * corner);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}
