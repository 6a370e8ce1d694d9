import { useState, type KeyboardEvent, type PointerEvent } from "react";
import { moved, resized, type Cut } from "@/geometry/cut";
import type { Box, Size } from "@/geometry/view";

interface Props {
  cut: Cut;
  photoSize: Size;
  stage: Size;
  photo: Box;
  scale: number;
  /** Called when the person lets go, or with each key. */
  onCut: (cut: Cut) => void;
}

const FRAME = [
  "pointer-events-auto absolute inset-0 cursor-move touch-none rounded border-2 border-dashed border-white",
  "shadow-[0_0_0_1px_rgb(0_0_0/0.6)] outline-offset-2 focus-visible:outline-2 focus-visible:outline-focus",
].join(" ");
const CORNER = [
  "pointer-events-auto absolute cursor-nwse-resize touch-none",
  "rounded-full border-2 border-black/60 bg-white",
].join(" ");
const KEY_STEP = 0.05;
const HANDLE = 28;

/** The part of the photo that is parsed on the device: drag it, drag its corner, or use the keyboard. */
export function CropFrame({ cut, photoSize, stage, photo, scale, onCut }: Props) {
  const [dragged, setDragged] = useState<{
    cut: Cut;
    from: { x: number; y: number };
    resize: boolean;
  } | null>(null);
  const shown = dragged?.cut ?? cut;

  const start = (event: PointerEvent<HTMLElement>, resize: boolean) => {
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragged({ cut, from: { x: event.clientX, y: event.clientY }, resize });
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    if (!dragged) return;
    const dx = (event.clientX - dragged.from.x) / scale;
    const dy = (event.clientY - dragged.from.y) / scale;
    const next = dragged.resize
      ? resized(cut, 1 + (dx + dy) / cut.width, photoSize)
      : moved(cut, dx, dy, photoSize);
    setDragged({ ...dragged, cut: next });
  };
  const drop = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    if (dragged && dragged.cut !== cut) onCut(dragged.cut);
    setDragged(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = KEY_STEP * cut.width;
    const next: Record<string, () => Cut> = {
      ArrowLeft: () => moved(cut, -step, 0, photoSize),
      ArrowRight: () => moved(cut, step, 0, photoSize),
      ArrowUp: () => moved(cut, 0, -step, photoSize),
      ArrowDown: () => moved(cut, 0, step, photoSize),
      "+": () => resized(cut, 1.1, photoSize),
      "=": () => resized(cut, 1.1, photoSize),
      "-": () => resized(cut, 1 / 1.1, photoSize),
    };
    const act = next[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    onCut(act());
  };
  const left = photo.x + shown.x * scale;
  const top = photo.y + shown.y * scale;
  // the frame may reach beyond the stage; its handle stays where it can be taken hold of
  const handle = {
    left: Math.min(stage.width - HANDLE, left + shown.width * scale - HANDLE / 2) - left,
    top: Math.min(stage.height - HANDLE, top + shown.height * scale - HANDLE / 2) - top,
    width: HANDLE,
    height: HANDLE,
  };
  const pointer = (resize: boolean) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => start(event, resize),
    onPointerMove: drag,
    onPointerUp: drop,
    onPointerCancel: drop,
  });

  return (
    <div
      className="pointer-events-none absolute"
      style={{
        left,
        top,
        width: shown.width * scale,
        height: shown.height * scale,
      }}
    >
      <button
        type="button"
        data-testid="crop-frame"
        aria-label="Crop frame: arrow keys move it, plus and minus change its size"
        className={FRAME}
        onKeyDown={onKeyDown}
        {...pointer(false)}
      />
      <span aria-hidden data-testid="crop-corner" style={handle} className={CORNER} {...pointer(true)} />
    </div>
  );
}
