import type { LabelMap } from "./label-map";
import { paint, type Paint } from "./paint";

/** The photo, on white as in the service, with the painted labels mixed in. */
export async function overlayPng(
  photoUrl: string,
  labels: LabelMap,
  colors: Paint,
  opacity: number,
): Promise<Blob> {
  const photo = new Image();
  photo.src = photoUrl;
  await photo.decode();
  const { canvas, context } = canvasOf(labels.width, labels.height);
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(photo, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = opacity;
  context.drawImage(painted(labels, colors), 0, 0);
  return toPng(canvas);
}

function painted(labels: LabelMap, { classes, hidden }: Paint): HTMLCanvasElement {
  const { canvas, context } = canvasOf(labels.width, labels.height);
  const pixels = paint(labels, { classes, hidden });
  context.putImageData(new ImageData(pixels, labels.width, labels.height), 0, 0);
  return canvas;
}

function canvasOf(width: number, height: number) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return { canvas, context: canvas.getContext("2d")! };
}

function toPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  });
}
