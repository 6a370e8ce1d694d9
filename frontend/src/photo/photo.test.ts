import { expect, it, vi } from "vitest";
import { isHeic, openPhoto } from "./photo";

it("knows HEIC by its brand, and AVIF as something else", async () => {
  const isHeicIn = (text: string) =>
    isHeic(new File([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], "a"));
  expect(await isHeicIn("\0\0\0\x18ftypheic\0\0\0\0mif1heic")).toBe(true);
  expect(await isHeicIn("\0\0\0\x18ftypmif1\0\0\0\0mif1heic")).toBe(true);
  expect(await isHeicIn("\0\0\0\x18ftypavif\0\0\0\0mif1avif")).toBe(false);
  expect(await isHeicIn("\xff\xd8\xff\xe0")).toBe(false);
});

it.each([
  ["not_a_photo", new File(["hello"], "a.txt", { type: "text/plain" })],
  ["empty_file", new File([], "a.jpg", { type: "image/jpeg" })],
])("refuses before sending: %s", async (code, file) => {
  await expect(openPhoto(file)).rejects.toMatchObject({ trouble: { code } });
});

it("is the same photo when the same file is given again", async () => {
  vi.stubGlobal(
    "Image",
    class {
      naturalWidth = 2;
      naturalHeight = 1;
      onload?: () => void;
      set src(_: string) {
        queueMicrotask(() => this.onload?.());
      }
    },
  );
  URL.createObjectURL = () => "blob:1";
  const file = (text: string, name = "a.jpg") =>
    new File(["\xff\xd8\xff", text], name, { type: "image/jpeg" });
  const known = [await openPhoto(file("one"))];
  expect(await openPhoto(file("one"), known)).toBe(known[0]);
  expect(await openPhoto(file("two"), known)).not.toBe(known[0]);
  expect(await openPhoto(file("one", "b.jpg"), known)).not.toBe(known[0]);
});
