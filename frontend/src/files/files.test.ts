import { inflateSync } from "node:zlib";
import { expect, it } from "vitest";
import { classPng, crc32, idsPng } from "./png";
import { zip } from "./zip";

const PLANE = {
  width: 10,
  height: 2,
  ids: Uint8Array.from([0, 1, 2, 0, 0, 0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
};

const bytesOf = async (blob: Blob) => Buffer.from(await blob.arrayBuffer());

/** Kind -> data of a PNG's chunks, their sums checked. */
function chunksOf(png: Buffer): Record<string, Buffer> {
  const chunks: Record<string, Buffer> = {};
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(png.subarray(at + 4, at + 8 + length)));
    chunks[png.toString("latin1", at + 4, at + 8)] = png.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
  return chunks;
}

it("sums as everybody does", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});

it("writes ids in the colours of a palette", async () => {
  const { IHDR, PLTE, IDAT } = chunksOf(
    await bytesOf(await idsPng(PLANE, Uint8Array.from([0, 0, 0, 1, 2, 3, 4, 5, 6]))),
  );
  expect([...IHDR!]).toEqual([0, 0, 0, 10, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
  expect([...PLTE!]).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6]);
  expect([...inflateSync(IDAT!)]).toEqual([0, ...PLANE.ids.slice(0, 10), 0, ...PLANE.ids.slice(10)]);
});

it("writes one class in single bits", async () => {
  const { IHDR, IDAT } = chunksOf(await bytesOf(await classPng(PLANE, 2)));
  expect([...IHDR!].slice(8, 10)).toEqual([1, 0]);
  expect([...inflateSync(IDAT!)]).toEqual([0, 0b00100000, 0b11000000, 0, 0b10000000, 0]);
});

it("puts members where the zip's directory says", async () => {
  const members = [
    { name: "a.txt", bytes: Uint8Array.from([1, 2, 3]) },
    { name: "b.txt", bytes: Uint8Array.from([4]) },
  ];
  const file = await bytesOf(zip(members));
  const end = file.length - 22;
  expect(file.readUInt32LE(end)).toBe(0x06054b50);
  expect(file.readUInt16LE(end + 10)).toBe(2);
  let at = file.readUInt32LE(end + 16);
  expect(at + file.readUInt32LE(end + 12)).toBe(end);
  for (const { name, bytes } of members) {
    expect(file.readUInt32LE(at)).toBe(0x02014b50);
    expect(file.readUInt32LE(at + 16)).toBe(crc32(bytes));
    expect(file.toString("latin1", at + 46, at + 46 + name.length)).toBe(name);
    const local = file.readUInt32LE(at + 42);
    expect(file.readUInt32LE(local)).toBe(0x04034b50);
    const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    expect([...file.subarray(start, start + bytes.length)]).toEqual([...bytes]);
    at += 46 + name.length;
  }
});
