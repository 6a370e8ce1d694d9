import { expect, it } from "vitest";
import { readGreyPng } from "./png-read";

/** 6 x 6, its rows filtered by None, Sub, Up, Average, Paeth and Paeth, its data in two pieces. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAYAAAAGCAAAAADFp7CUAAAAB0lEQVR4nAXBiREAR1mWXAAAACZJ" +
  "REFUIAgDsFYL6P7LiodPgjYpBgO9zm3Igr8uXlumBBhLrqw9PudjDSFRNwVNAAAAAElFTkSuQmCC";
const IDS = [
  2, 9, 1, 4, 1, 7, 7, 7, 10, 6, 3, 1, 7, 0, 6, 6, 9, 0, 7, 4, 3, 9, 1, 5, 0, 0, 0, 10, 8, 0, 6, 10, 3, 6, 0,
  8,
];

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

it("undoes each of PNG's filters", async () => {
  const { width, height, ids } = await readGreyPng(bytesOf(PNG));
  expect([width, height, ...ids]).toEqual([6, 6, ...IDS]);
});

it("reads no other PNG", async () => {
  const colors = bytesOf(PNG);
  colors[25] = 2; // RGB
  await expect(readGreyPng(colors)).rejects.toThrow("8-bit grey");
  await expect(readGreyPng(bytesOf("AAAA"))).rejects.toThrow("no PNG");
});

it("picks every second value both ways", async () => {
  const found = await readGreyPng(bytesOf(PNG), (width, height) => (width * height === 36 ? 2 : 1));
  expect(found.image).toEqual({ width: 6, height: 6 });
  expect([found.step, found.width, found.height]).toEqual([2, 3, 3]);
  const picked = IDS.filter((_, at) => at % 2 === 0 && Math.floor(at / 6) % 2 === 0);
  expect([...found.ids]).toEqual(picked);
});

it("refuses a PNG with more or fewer rows than it says", async () => {
  for (const rows of [5, 7]) {
    const other = bytesOf(PNG);
    other[23] = rows;
    await expect(readGreyPng(other)).rejects.toThrow("another size");
  }
});
