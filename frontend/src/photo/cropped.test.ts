import { expect, it, vi } from "vitest";
import { croppedFile } from "./cropped";

it("lays what is transparent on white", async () => {
  const drawn: string[] = [];
  const context = {
    fillStyle: "",
    fillRect: (...at: number[]) => drawn.push(`${context.fillStyle} ${at.join(" ")}`),
    drawImage: () => drawn.push("photo"),
  };
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(context as never);
  vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((tell) => tell(new Blob()));
  vi.stubGlobal(
    "Image",
    class {
      decode = () => Promise.resolve();
    },
  );
  const photo = { id: 1, file: new File([], "a.png"), name: "a.png", url: "blob:1", size: null };
  await croppedFile(photo, { x: 1, y: 2, width: 30, height: 40 });
  expect(drawn).toEqual(["white 0 0 30 40", "photo"]);
});
