import { expect, it, vi } from "vitest";
import { emptyLabelMap } from "./label-map";
import { overlayPng } from "./picture";

it("lays what is transparent on white", async () => {
  const drawn: string[] = [];
  const context = {
    fillStyle: "",
    fillRect: (...at: number[]) => drawn.push(`${context.fillStyle} ${at.join(" ")}`),
    drawImage: () => drawn.push("photo"),
    putImageData: () => undefined,
  };
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(context as never);
  vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((tell) => tell(new Blob()));
  vi.stubGlobal(
    "Image",
    class {
      decode = () => Promise.resolve();
    },
  );
  vi.stubGlobal("ImageData", vi.fn());
  const labels = emptyLabelMap({ width: 30, height: 40 });
  await overlayPng("blob:1", labels, { classes: [], hidden: new Set() }, 0.5);
  expect(drawn.slice(0, 2)).toEqual(["white 0 0 30 40", "photo"]);
});
