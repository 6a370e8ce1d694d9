import { expect, it } from "vitest";
import { drawnOnCanvases } from "@/lib/canvas-testing";
import { croppedFile } from "./cropped";

it("lays what is transparent on white", async () => {
  const drawn = drawnOnCanvases();
  const photo = { id: 1, file: new File([], "a.png"), name: "a.png", url: "blob:1", size: null };
  await croppedFile(photo, { x: 1, y: 2, width: 30, height: 40 });
  expect(drawn).toEqual(["white 0 0 30 40", "photo"]);
});
