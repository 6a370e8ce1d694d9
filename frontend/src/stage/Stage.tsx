import { useMemo, useRef } from "react";
import { fitScale, photoBox, toPhoto, visibleSpan, type Size, type View } from "@/geometry/view";
import { idAt } from "@/labels/label-map";
import type { Paint } from "@/labels/paint";
import { className } from "@/lib/format";
import { useStudio } from "@/state/studio-context";
import { pointIn } from "@/state/use-view";
import { useStageView } from "@/state/view-context";
import { DrawPart } from "./DrawPart";
import { FaceBoxes } from "./FaceBoxes";
import { LabelCanvas } from "./LabelCanvas";
import { PartFrame } from "./PartFrame";
import { SplitHandle } from "./SplitHandle";

const LAYER = "absolute top-0 left-0 origin-top-left";

/** The photo, and over its right part the result in its place. */
export function Stage() {
  const { state, act, model } = useStudio();
  const { stageRef, size, view, handlers } = useStageView();
  const tag = useRef<HTMLDivElement>(null);
  const { photo, result } = state;
  const pointed = model?.classes.find(({ id }) => id === state.pointed);

  const onPointerMove = (event: React.PointerEvent<HTMLElement>) => {
    handlers.onPointerMove(event);
    if (!result || !size || !photo?.size || event.buttons) return;
    const point = pointIn(event.currentTarget, event);
    const { x, y } = toPhoto(point, view, size, photo.size);
    tag.current?.style.setProperty("translate", `${point.x + 14}px ${point.y + 14}px`);
    const id = idAt(result.labels, x, y) || null;
    if (id !== state.pointed) act.point(id);
  };

  return (
    <div
      ref={stageRef}
      role="group"
      aria-label={photo ? "Photo: plus and minus zoom, arrow keys move, 0 fits" : "Place for a photo"}
      tabIndex={photo ? 0 : -1}
      data-testid="stage"
      className={[
        "checkered absolute inset-0 overflow-hidden rounded-2xl border border-border",
        "outline-offset-2 focus-visible:outline-2 focus-visible:outline-focus",
        photo ? "cursor-grab select-none active:cursor-grabbing" : "",
      ].join(" ")}
      style={{ touchAction: photo && view.zoom > 1 ? "none" : "pan-y" }}
      {...(photo ? { ...handlers, onPointerMove, onPointerLeave: () => act.point(null) } : {})}
    >
      <Layers />
      <div
        ref={tag}
        aria-hidden
        className={[
          "pointer-events-none absolute top-0 left-0 rounded-md bg-black/80 px-2 py-0.5 text-xs text-white",
          pointed ? "" : "hidden",
        ].join(" ")}
      >
        {pointed && className(pointed.name)}
      </div>
    </div>
  );
}

/** What lies on the stage: photo, labels, faces, crop frame, the line between before and after. */
function Layers() {
  const { state, act, model } = useStudio();
  const { size, view } = useStageView();
  const { photo, result, hidden, look, split, drawing } = state;
  const highlighted = state.highlighted ?? state.pointed;
  const colors = useMemo<Paint>(
    () => ({ classes: model?.classes ?? [], hidden, highlighted }),
    [model, hidden, highlighted],
  );
  if (!photo?.size || !size) return null;

  const { box, span, layer, splitAt, scale } = lay(view, size, photo.size);
  return (
    <>
      <img
        src={photo.url}
        alt={`Your photo, ${photo.name}`}
        draggable={false}
        className={`${LAYER} max-w-none`}
        style={layer}
      />
      {result && (
        <div
          className="pointer-events-none absolute inset-0"
          style={{ clipPath: `inset(0 0 0 ${splitAt(split)}px)` }}
        >
          <div className={`${LAYER} transition-opacity ${state.progress ? "opacity-40" : ""}`} style={layer}>
            <LabelCanvas
              labels={result.labels}
              colors={colors}
              opacity={state.opacity}
              crisp={scale * result.labels.step > 4}
            />
          </div>
        </div>
      )}
      {result && <FaceBoxes faces={result.faces} selected={state.face} photo={box} scale={scale} />}
      {look.part && !drawing && (
        <PartFrame part={look.part} photoSize={photo.size} photo={box} scale={scale} onPart={act.parsePart} />
      )}
      {result && !drawing && <SplitHandle {...span} split={split} onSplit={act.setSplit} />}
      {drawing && (
        <DrawPart
          photoSize={photo.size}
          photo={box}
          scale={scale}
          onPart={act.parsePart}
          onCancel={() => act.draw(false)}
        />
      )}
    </>
  );
}

/** Where everything lies, in stage pixels. */
function lay(view: View, stage: Size, photo: Size) {
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
