import { useEffect, useEffectEvent, useRef } from "react";
import type { LabelMap } from "@/labels/label-map";
import type { Dyed } from "@/pictures/messages";
import { pictureBitmap } from "@/pictures/pictures";

/** Enough for the screen; what is downloaded is made of all pixels. */
const MOST_PIXELS = 1_000_000;

interface Props {
  photoUrl: string;
  labels: LabelMap;
  parts: readonly Dyed[];
  onFailed: (error: unknown) => void;
}

/** The photo in its new colours, some moments after they are chosen. */
export function RecolouredPhoto({ photoUrl, labels, parts, onFailed }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const fail = useEffectEvent(onFailed);
  const wanted = useRef<Omit<Props, "onFailed"> | null>(null);
  const isBusy = useRef(false);

  useEffect(() => {
    wanted.current = { photoUrl, labels, parts };
    if (isBusy.current) return; // what is wanted last is drawn next
    isBusy.current = true;
    const draw = async () => {
      while (wanted.current) {
        const next = wanted.current;
        wanted.current = null;
        const make = { kind: "recoloured", parts: next.parts } as const;
        const bitmap = await pictureBitmap({ ...next, make }, MOST_PIXELS);
        const shown = canvas.current;
        if (!shown) return;
        [shown.width, shown.height] = [bitmap.width, bitmap.height];
        shown.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
        shown.dataset.drawn = String(Number(shown.dataset.drawn ?? 0) + 1);
      }
    };
    draw()
      .catch((error: unknown) => fail(error))
      .finally(() => (isBusy.current = false));
  }, [photoUrl, labels, parts]);

  return <canvas ref={canvas} data-testid="recoloured" aria-hidden className="size-full" />;
}
