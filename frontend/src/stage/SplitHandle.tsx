import type { PointerEvent } from "react";

interface Props {
  /** Stage pixels between which it can be dragged. */
  left: number;
  right: number;
  /** 0 to 1 */
  split: number;
  onSplit: (split: number) => void;
}

const LINE = "absolute inset-y-0 left-1/2 w-0.5 -translate-x-1/2 bg-white shadow-[0_0_3px_rgb(0_0_0/0.7)]";
const KNOB = [
  "absolute top-1/2 left-1/2 grid size-9 -translate-1/2 place-items-center",
  "rounded-full bg-white text-black shadow-md",
].join(" ");

/** The line between before and after, to be dragged. The slider below the stage does the same by keyboard. */
export function SplitHandle({ left, right, split, onSplit }: Props) {
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    event.stopPropagation();
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const stage = event.currentTarget.parentElement!.getBoundingClientRect();
    const share = (event.clientX - stage.left - left) / Math.max(1, right - left);
    onSplit(Math.min(1, Math.max(0, share)));
  };
  return (
    <div
      data-testid="split-handle"
      aria-hidden
      className="absolute inset-y-0 w-11 -translate-x-1/2 cursor-ew-resize touch-none"
      style={{ left: left + split * (right - left) }}
      onPointerDown={drag}
      onPointerMove={drag}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <div className={LINE} />
      <div className={KNOB}>
        <svg viewBox="0 0 24 24" className="size-5" fill="none" stroke="currentColor" strokeWidth="2">
          <path d="M9 7l-5 5 5 5M15 7l5 5-5 5" strokeLinecap="round" strokeLinejoin="round" />
        </svg>
      </div>
    </div>
  );
}
