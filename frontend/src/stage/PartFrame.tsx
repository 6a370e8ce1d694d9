import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { CORNERS, movedPart, pulledPart, scaledPart, type Corner, type Part } from "@/geometry/part";
import type { Box, Point, Size } from "@/geometry/view";
import { placed } from "./placed";

interface Props {
  part: Part;
  photoSize: Size;
  photo: Box;
  scale: number;
  /** Called when the person lets go, or with each key. */
  onPart: (part: Part) => void;
}

const FRAME = [
  "pointer-events-auto absolute inset-0 cursor-move touch-none rounded border-2 border-dashed border-white",
  "shadow-[0_0_0_1px_rgb(0_0_0/0.6)] outline-offset-2 focus-visible:outline-2 focus-visible:outline-focus",
].join(" ");
const HANDLE = [
  "pointer-events-auto absolute grid size-11 touch-none place-items-center",
  "after:size-4 after:rounded-full after:border-2 after:border-black/60 after:bg-white",
].join(" ");
const KEY_STEP = 0.05;
/** Stage pixels of a side below which the corners are taken hold of from outside, to leave room to drag. */
const SMALL = 110;

/** The part that alone is parsed: drag it, pull its corners, or use the keyboard. */
export function PartFrame({ part, photoSize, photo, scale, onPart }: Props) {
  const [dragged, setDragged] = useState<{ part: Part; from: Point; corner: Corner | null } | null>(null);
  const frame = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // of a box just drawn: what it was drawn on had the focus and is gone
    if (document.activeElement === document.body) frame.current?.focus();
  }, []);
  const shown = dragged?.part ?? part;
  const inward = Math.min(shown.width, shown.height) * scale < SMALL ? 0 : 50; // per cent of a handle

  const start = (event: PointerEvent<HTMLElement>, corner: Corner | null) => {
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    setDragged({ part, from: { x: event.clientX, y: event.clientY }, corner });
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    if (!dragged) return;
    const dx = (event.clientX - dragged.from.x) / scale;
    const dy = (event.clientY - dragged.from.y) / scale;
    const { corner } = dragged;
    const next = corner ? pulledPart(part, corner, dx, dy, photoSize) : movedPart(part, dx, dy, photoSize);
    setDragged({ ...dragged, part: next });
  };
  const drop = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    if (dragged && dragged.part !== part) onPart(dragged.part);
    setDragged(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = byKey(event.key, part, photoSize);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    onPart(next);
  };
  const pointer = (corner: Corner | null) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => start(event, corner),
    onPointerMove: drag,
    onPointerUp: drop,
    onPointerCancel: drop,
  });

  return (
    <div className="pointer-events-none absolute" style={placed(shown, photo, scale)}>
      <button
        ref={frame}
        type="button"
        data-testid="part-frame"
        aria-label="Frame: arrow keys move it, plus and minus change its size"
        className={FRAME}
        onKeyDown={onKeyDown}
        {...pointer(null)}
      />
      {CORNERS.map((corner) => {
        const shiftY = corner.y === "top" ? inward - 100 : -inward;
        return (
          <span
            key={`${corner.y}-${corner.x}`}
            aria-hidden
            data-testid={`part-${corner.y}-${corner.x}`}
            style={{
              left: corner.x === "left" ? 0 : "100%",
              top: corner.y === "top" ? 0 : "100%",
              translate: `${corner.x === "left" ? inward - 100 : -inward}% ${shiftY}%`,
              cursor: (corner.x === "left") === (corner.y === "top") ? "nwse-resize" : "nesw-resize",
            }}
            className={HANDLE}
            {...pointer(corner)}
          />
        );
      })}
    </div>
  );
}

function byKey(key: string, part: Part, photo: Size): Part | null {
  const [across, down] = [Math.max(1, KEY_STEP * part.width), Math.max(1, KEY_STEP * part.height)];
  switch (key) {
    case "ArrowLeft":
      return movedPart(part, -across, 0, photo);
    case "ArrowRight":
      return movedPart(part, across, 0, photo);
    case "ArrowUp":
      return movedPart(part, 0, -down, photo);
    case "ArrowDown":
      return movedPart(part, 0, down, photo);
    case "+":
    case "=":
      return scaledPart(part, 1.1, photo);
    case "-":
      return scaledPart(part, 1 / 1.1, photo);
    default:
      return null;
  }
}
