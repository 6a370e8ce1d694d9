import { useLayoutEffect, useRef } from "react";
import type { LabelMap } from "@/labels/label-map";
import { paint, type Paint } from "@/labels/paint";

interface Props {
  labels: LabelMap;
  colors: Paint;
  opacity: number;
  /** Whether single labels are large enough on the screen to be shown as squares. */
  crisp: boolean;
}

/** The label map in its colours. */
export function LabelCanvas({ labels, colors, opacity, crisp }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);

  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    context?.putImageData(new ImageData(paint(labels, colors), labels.width, labels.height), 0, 0);
  }, [labels, colors]);

  return (
    <canvas
      ref={canvas}
      data-testid="label-canvas"
      aria-hidden
      width={labels.width}
      height={labels.height}
      className="size-full"
      style={{ opacity, imageRendering: crisp ? "pixelated" : "auto" }}
    />
  );
}
