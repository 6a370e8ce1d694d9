import { vi } from "vitest";

/** What is drawn on canvases from now on: filled areas as "colour x y width height", and photos. */
export function drawnOnCanvases(): string[] {
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
  return drawn;
}
