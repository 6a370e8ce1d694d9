import { useEffect, useEffectEvent, useRef, useState, type RefObject } from "react";
import { trouble, TroubleError, type Trouble } from "@/api/trouble";
import { paint } from "@/labels/paint";
import { tinted } from "@/labels/tints";
import { formatBytes } from "@/lib/format";
import type { Here } from "@/state/parse-here";
import type { Progress } from "@/state/state";
import { useStudio } from "@/state/studio-context";

/** The longer side of the pictures that are parsed, in pixels. */
const LONGEST = 640;
/** Milliseconds over which the frame rate is counted. */
const COUNTED = 2000;
/** Pictures in a row that the browser may lose, as a busy one does, before the person is told. */
const MISSED = 60;

interface Props {
  video: RefObject<HTMLVideoElement | null>;
  onTrouble: (trouble: Trouble) => void;
}

/** The parts over a video, found on this device as fast as that goes, and how fast it is. */
export function LiveParts({ video, onTrouble }: Props) {
  const { state, act } = useStudio();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [rate, setRate] = useState<number | null>(null);
  const { style, tints } = state;

  const draw = useEffectEvent(({ found: { labels }, model }: Here) => {
    const shown = canvas.current;
    if (!shown) return;
    const classes = tinted(model.classes, style.palette, tints);
    const pixels = new ImageData(paint(labels, { classes, hidden: NONE }), labels.width, labels.height);
    [shown.width, shown.height] = [labels.width, labels.height];
    shown.getContext("2d")!.putImageData(pixels, 0, 0);
  });
  const parse = useEffectEvent(act.parseFrame);
  const fail = useEffectEvent(onTrouble);

  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    const isOver = () => signal.aborted;
    const times: number[] = [];
    const go = async () => {
      let missed = 0;
      while (!isOver()) {
        await shownAnew(video.current!);
        const source = await frameOf(video.current!).catch((error: unknown) => {
          missed += 1;
          if (missed === MISSED) throw error;
        });
        if (!source) continue;
        missed = 0;
        const here = await parse({ source, signal, tell: setProgress }).finally(() => source.close());
        if (isOver()) return;
        draw(here);
        const now = performance.now();
        times.push(now);
        while (now - times[0]! > COUNTED) times.shift();
        if (times.length > 1) setRate((1000 * (times.length - 1)) / (now - times[0]!));
      }
    };
    go().catch((error: unknown) => {
      if (isOver()) return;
      const told =
        error instanceof TroubleError ? error : trouble("device_failed", { detail: String(error) });
      fail(told.trouble);
    });
    return () => ending.abort();
  }, [video]);

  return (
    <>
      <canvas
        ref={canvas}
        aria-hidden
        data-testid="live-parts"
        className="absolute inset-0 size-full object-contain"
        style={{ opacity: Math.max(LEAST_OPACITY, state.opacity) }}
      />
      <p data-testid="frame-rate" className={TAG}>
        {rate === null ? waiting(progress) : `${rate.toFixed(1)} pictures a second`}
      </p>
    </>
  );
}

const NONE: ReadonlySet<number> = new Set();
/** The page's own is made for parts that have outlines too. */
const LEAST_OPACITY = 0.5;
const TAG = "absolute bottom-2 left-2 rounded-md bg-black/75 px-2 py-0.5 text-[13px] text-white tabular-nums";

function waiting(progress: Progress | null): string {
  if (progress?.stage !== "model") return "Finding the parts …";
  return `Fetching what finds the parts${progress.bytes ? `, ${formatBytes(progress.bytes)} once` : ""} …`;
}

/** Settles with the next picture of a video. None come while the page is hidden. */
const shownAnew = (video: HTMLVideoElement) =>
  new Promise<unknown>((settle) => video.requestVideoFrameCallback(settle));

/** What a video shows at the moment, no larger than needed. */
async function frameOf(video: HTMLVideoElement): Promise<ImageBitmap> {
  const { videoWidth: width, videoHeight: height } = video;
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return createImageBitmap(video, {
    resizeWidth: Math.round(scale * width),
    resizeHeight: Math.round(scale * height),
  });
}
