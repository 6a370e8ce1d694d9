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
