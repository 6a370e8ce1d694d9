import { expect, it, vi } from "vitest";
import { drawnOnCanvases } from "@/lib/canvas-testing";
import { emptyLabelMap } from "./label-map";
import { overlayPng } from "./picture";

it("lays what is transparent on white", async () => {
  const drawn = drawnOnCanvases();
  vi.stubGlobal("ImageData", vi.fn());
  const labels = emptyLabelMap({ width: 30, height: 40 });
  await overlayPng("blob:1", labels, { classes: [], hidden: new Set() }, 0.5);
  expect(drawn.slice(0, 2)).toEqual(["white 0 0 30 40", "photo"]);
});
