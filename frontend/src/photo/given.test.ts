import { expect, it } from "vitest";
import { photosIn } from "./given";

const bytesOf = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const jpeg = new File([bytesOf("\xff\xd8\xff")], "a.jpg", { type: "image/jpeg" });
const heic = new File([bytesOf("\0\0\0\x18ftypheic")], "b.heic"); // as systems give it that do not know it
const letter = new File(["hello"], "letter.txt", { type: "text/plain" });

const entryOf = (file: File) => ({ name: file.name, file: (give: (file: File) => void) => give(file) });

function folderOf(files: File[]) {
  const given = [files.map(entryOf), []];
  const readEntries = (give: (entries: unknown[]) => void) => give(given.shift() ?? []);
  return { name: "folder", isDirectory: true, createReader: () => ({ readEntries }) };
}

function dropOf(files: File[], entries: object[]): DataTransfer {
  const items = entries.map((entry) => ({ webkitGetAsEntry: () => entry }));
  return { files, items } as unknown as DataTransfer;
}

it.each([
  ["files", dropOf([letter, jpeg, heic], [letter, jpeg, heic].map(entryOf)), ["a.jpg", "b.heic"]],
  ["no photos", dropOf([letter], [entryOf(letter)]), ["letter.txt"]],
  ["a folder", dropOf([new File([], "folder")], [folderOf([heic, letter, jpeg])]), ["a.jpg", "b.heic"]],
  ["a folder without photos", dropOf([new File([], "folder")], [folderOf([letter])]), []],
])("takes the photos of what was dropped: %s", async (_, drop, names) => {
  expect((await photosIn(drop)).map(({ name }) => name)).toEqual(names);
});
