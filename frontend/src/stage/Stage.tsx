import { useRef, type RefObject } from "react";
import type { ClassRow } from "@/api/client";
import type { Cut } from "@/device/cut";
import { idAt } from "@/labels/label-map";
import type { Paint } from "@/labels/paint";
import { className } from "@/lib/format";
import type { Photo } from "@/photo/photo";
import type { Result } from "@/studio/result";
import { CropFrame } from "./CropFrame";
import { FaceBoxes } from "./FaceBoxes";
import { LabelCanvas } from "./LabelCanvas";
import { SplitHandle } from "./SplitHandle";
import { pointIn, type useView } from "./use-view";
import { fitScale, photoBox, toPhoto, visibleSpan, type Size } from "./view";

interface Props {
  stageRef: RefObject<HTMLDivElement | null>;
  size: Size | null;
  view: ReturnType<typeof useView>;
  photo: Photo | null;
  result: Result | null;
  busy: boolean;
  colors: Paint;
  opacity: number;
  split: number;
  onSplit: (split: number) => void;
  onPoint: (id: number | null) => void;
  pointed: ClassRow | null;
  face: number | null;
  /** The crop frame, while parsing happens on the device. */
  cut: Cut | null;
  onCut: (cut: Cut) => void;
}

/** The photo, and over its right part the result in its place. */
export function Stage(props: Props) {
  const { stageRef, size, view, photo, result, busy, colors, opacity, split, onSplit, onPoint, pointed, face, cut } = props;
  const tag = useRef<HTMLDivElement>(null);
  const photoSize = photo?.size ?? null;
  const laid = size && photoSize && lay(view.view, size, photoSize);

  const onPointerMove = (event: React.PointerEvent<HTMLElement>) => {
    view.handlers.onPointerMove(event);
    if (!result || !size || !photoSize || event.buttons) return;
    const point = pointIn(event.currentTarget, event);
    const { x, y } = toPhoto(point, view.view, size, photoSize);
    tag.current?.style.setProperty("translate", `${point.x + 14}px ${point.y + 14}px`);
    onPoint(idAt(result.labels, x, y) || null);
  };

  return (
    <div
      ref={stageRef}
      role="group"
      aria-label={photo ? "Photo: plus and minus zoom, arrow keys move, 0 fits" : "Place for a photo"}
      tabIndex={photo ? 0 : -1}
      data-testid="stage"
      className={`checkered absolute inset-0 overflow-hidden rounded-2xl border border-border outline-offset-2 focus-visible:outline-2 focus-visible:outline-focus ${
        photo ? "cursor-grab select-none active:cursor-grabbing" : ""
      }`}
      style={{ touchAction: photo && view.view.zoom > 1 ? "none" : "pan-y" }}
      {...(photo ? { ...view.handlers, onPointerMove, onPointerLeave: () => onPoint(null) } : {})}
    >
      {photo && laid && (
        <>
          <img src={photo.url} alt={`Your photo, ${photo.name}`} draggable={false} className="absolute left-0 top-0 max-w-none origin-top-left" style={laid.layer} />
          {result && (
            <>
              <div className="pointer-events-none absolute inset-0" style={{ clipPath: `inset(0 0 0 ${laid.splitAt(split)}px)` }}>
                <div className={`absolute left-0 top-0 origin-top-left transition-opacity ${busy ? "opacity-40" : ""}`} style={laid.layer}>
                  <LabelCanvas labels={result.labels} colors={colors} opacity={opacity} crisp={laid.scale * result.labels.step > 4} />
                </div>
              </div>
              <FaceBoxes faces={result.faces} selected={face} photo={laid.box} scale={laid.scale} />
            </>
          )}
          {cut && photoSize && <CropFrame cut={cut} photoSize={photoSize} stage={size} photo={laid.box} scale={laid.scale} onCut={props.onCut} />}
          {result && <SplitHandle {...laid.span} split={split} onSplit={onSplit} />}
        </>
      )}
      <div
        ref={tag}
        aria-hidden
        className={`pointer-events-none absolute left-0 top-0 rounded-md bg-black/80 px-2 py-0.5 text-xs text-white ${pointed ? "" : "hidden"}`}
      >
        {pointed && className(pointed.name)}
      </div>
    </div>
  );
}

/** Where everything lies, in stage pixels. */
function lay(view: ReturnType<typeof useView>["view"], stage: Size, photo: Size) {
  const box = photoBox(view, stage, photo);
  const fit = fitScale(stage, photo);
  const span = visibleSpan(view, stage, photo);
  const layer = {
    width: photo.width * fit,
    height: photo.height * fit,
    transform: `translate(${box.x}px, ${box.y}px) scale(${view.zoom})`,
  };
  const splitAt = (split: number) => span.left + split * (span.right - span.left);
  return { box, span, layer, splitAt, scale: fit * view.zoom };
}
