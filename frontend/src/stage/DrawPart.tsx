import { useState, type KeyboardEvent, type PointerEvent } from "react";
import { middlePart, partBetween, type Part } from "@/geometry/part";
import type { Box, Point, Size } from "@/geometry/view";
import { pointIn } from "@/state/use-view";
import { placed } from "./placed";

interface Props {
  photoSize: Size;
  photo: Box;
  scale: number;
  onPart: (part: Part) => void;
  onCancel: () => void;
}

const HINT = [
  "pointer-events-none absolute inset-x-0 bottom-4 mx-auto w-fit max-w-[90%] rounded-lg bg-black/80",
  "px-3 py-1.5 text-sm text-white",
].join(" ");

/** Over the whole stage while a person is to draw a box: press, drag, let go. */
export function DrawPart({ photoSize, photo, scale, onPart, onCancel }: Props) {
  const [drawn, setDrawn] = useState<{ from: Point; to: Point } | null>(null);
  const placeOf = (event: PointerEvent<HTMLElement>): Point => {
    const { x, y } = pointIn(event.currentTarget, event);
    return { x: (x - photo.x) / scale, y: (y - photo.y) / scale };
  };
  const down = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    setDrawn({ from: placeOf(event), to: placeOf(event) });
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    if (drawn) setDrawn({ ...drawn, to: placeOf(event) });
  };
  const up = (event: PointerEvent<HTMLElement>) => {
    event.stopPropagation();
    setDrawn(null);
    // a tap says where, not how large: the person goes on
    if (drawn && Math.hypot(drawn.to.x - drawn.from.x, drawn.to.y - drawn.from.y) * scale > 12)
      onPart(partBetween(drawn.from, placeOf(event), photoSize));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const act = { Enter: () => onPart(middlePart(photoSize)), Escape: onCancel }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const shown = drawn && partBetween(drawn.from, drawn.to, photoSize);
  return (
    <>
      <button
        type="button"
        autoFocus
        data-testid="draw-part"
        aria-label="Draw a box around a face. Enter puts one in the middle, Escape leaves"
        className="absolute inset-0 cursor-crosshair touch-none"
        onKeyDown={onKeyDown}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={() => setDrawn(null)}
      />
      {shown && (
        <div
          className="pointer-events-none absolute rounded border-2 border-dashed border-white bg-white/15"
          style={placed(shown, photo, scale)}
        />
      )}
      <p className={HINT}>Draw a box around a face</p>
    </>
  );
}
