import { Slider } from "@heroui/react/slider";

interface Props {
  /** Stage pixels between which it can be dragged. */
  left: number;
  right: number;
  /** 0 to 1 */
  split: number;
  onSplit: (split: number) => void;
}

const THUMB = [
  "pointer-events-auto top-1/2 h-full w-11 cursor-ew-resize rounded-none bg-transparent after:hidden",
  "group data-[focus-visible=true]:[box-shadow:none]!",
].join(" ");
const LINE = "absolute inset-y-0 left-1/2 w-0.5 -translate-x-1/2 bg-white shadow-[0_0_3px_rgb(0_0_0/0.7)]";
const KNOB = [
  "own-color absolute top-1/2 grid size-10 -translate-1/2 place-items-center",
  "rounded-full bg-white text-black shadow-md group-data-[focus-visible=true]:outline-3",
  "outline-offset-2 outline-focus",
].join(" ");

/** The line between before and after: dragged, or moved by keys. */
export function SplitHandle({ left, right, split, onSplit }: Props) {
  return (
    <div
      onPointerDown={(event) => event.stopPropagation()}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <Slider
        aria-label="Before and after"
        className="pointer-events-none absolute inset-y-0 block w-auto"
        style={{ left, width: right - left }}
        value={Math.round(100 * split)}
        onChange={(next) => onSplit(Number(next) / 100)}
      >
        <Slider.Track className="pointer-events-none h-full rounded-none border-0 bg-transparent">
          <Slider.Thumb data-testid="split-handle" className={THUMB}>
            <span aria-hidden className={LINE} />
            <span aria-hidden className={KNOB} style={{ left: `calc(50% + ${40 * (0.5 - split)}px)` }}>
              <svg viewBox="0 0 24 24" className="size-5" fill="none" stroke="currentColor" strokeWidth="2">
                <path d="M9 7l-5 5 5 5M15 7l5 5-5 5" strokeLinecap="round" strokeLinejoin="round" />
              </svg>
            </span>
          </Slider.Thumb>
        </Slider.Track>
      </Slider>
    </div>
  );
}
