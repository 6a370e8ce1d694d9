import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { trouble } from "@/api/trouble";
import { fitScale, photoBox, toPhoto, visibleSpan, type Size, type View } from "@/geometry/view";
import { idAt } from "@/labels/label-map";
import { tinted } from "@/labels/tints";
import { className } from "@/lib/format";
import { later } from "@/lib/later";
import { dyedParts } from "@/state/dyes";
import { labelsShown } from "@/state/face-labels";
import { modelFor } from "@/state/model-for";
import { unseen } from "@/state/shown";
import { useStudio } from "@/state/studio-context";
import { useFaceChoice } from "@/state/use-face-choice";
import { useLoadedAhead } from "@/state/use-loaded-ahead";
import { pointIn } from "@/state/use-view";
import { useStageView } from "@/state/view-context";
import { DrawPart } from "./DrawPart";
import { PartFrame } from "./PartFrame";
import { LAYER, Outlines, PartsLayer } from "./PartsLayer";

// nothing of it is needed before the first result
const FaceBoxes = later(() => import("./FaceBoxes").then((stage) => stage.FaceBoxes));
const CompareNames = later(() => import("./CompareNames").then((stage) => stage.CompareNames));
const RecolouredPhoto = later(() => import("./RecolouredPhoto").then((stage) => stage.RecolouredPhoto));
const SplitHandle = later(() => import("./SplitHandle").then((stage) => stage.SplitHandle));

const OF_RESULTS = [Outlines, FaceBoxes, SplitHandle];

/** Pixels that a pointer may move between down and up and still be a click. */
const CLICK = 5;

/** The photo, and over its right part the result in its place. */
export function Stage() {
  const { state, act, model } = useStudio();
  const { stageRef, size, view, handlers } = useStageView();
  const tag = useRef<HTMLDivElement>(null);
  const pressed = useRef({ x: 0, y: 0 });
  useLoadedAhead(OF_RESULTS);
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
  const onPointerDown = (event: React.PointerEvent<HTMLElement>) => {
    handlers.onPointerDown(event);
    pressed.current = pointIn(event.currentTarget, event);
  };
  /** A part that is clicked is kept; so is none, where there is no part. */
  const onClick = (event: React.MouseEvent<HTMLElement>) => {
    if (!result || !size || !photo?.size || event.detail > 1) return;
    const point = pointIn(event.currentTarget, event);
    if (Math.hypot(point.x - pressed.current.x, point.y - pressed.current.y) > CLICK) return;
    const { x, y } = toPhoto(point, view, size, photo.size);
    const id = idAt(result.labels, x, y) || null;
    act.keep(id === state.solo ? null : id);
  };
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape") act.keep(null); // wherever the focus is
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [act]);

  return (
    <div
      ref={stageRef}
      id="stage"
      role="group"
      aria-label={photo ? "Photo: plus and minus zoom, arrow keys move, 0 fits" : "Place for a photo"}
      tabIndex={photo ? 0 : -1}
      data-testid="stage"
      className={[
        "absolute inset-0 overflow-hidden rounded-xl bg-(--stage)",
        "outline-offset-2 focus-visible:outline-2 focus-visible:outline-focus",
        photo ? "cursor-grab select-none active:cursor-grabbing" : "",
      ].join(" ")}
      style={{ touchAction: photo && view.zoom > 1 ? "none" : "pan-y" }}
      {...(photo
        ? {
            ...handlers,
            onPointerDown,
            onPointerMove,
            onClick,
            onPointerLeave: () => act.point(null),
          }
        : {})}
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
  const { stageRef, size, view } = useStageView();
  const { photo, result, compared, look, split, drawing, style, tints, dyes, hidden, solo } = state;
  const chooseFace = useFaceChoice();
  const [recolouring, setRecolouring] = useState(1); // the number of the try
  const isSettled = useDeferredValue(result) === result; // the parts come first, then what is about them
  const colors = useMemo(() => {
    const classes = model?.classes ?? [];
    return { classes: tinted(classes, style.palette, tints), hidden: unseen({ hidden, solo }, classes) };
  }, [model, style.palette, tints, hidden, solo]);
  const dyed = useMemo(() => dyedParts(dyes, model?.classes ?? []), [dyes, model]);
  if (!photo?.size || !size) return null;

  const { box, span, layer, splitAt, scale } = lay(view, size, photo.size);
  const shown = result && labelsShown(result, state.face);
  const other = compared && modelFor(state.models, compared.task);
  const parts = { colors, layer, photoSize: photo.size, photo: box, scale };
  return (
    <>
      <img
        src={photo.url}
        alt={`Your photo, ${photo.name}`}
        draggable={false}
        className={`${LAYER} max-w-none`}
        style={layer}
      />
      {shown && (
        <PartsLayer {...parts} labels={shown} left={splitAt(split)}>
          {dyed.length > 0 && (
            <div className={LAYER} style={layer}>
              <RecolouredPhoto
                key={recolouring}
                photoUrl={photo.url}
                labels={shown}
                parts={dyed}
                onFailed={(error) => {
                  const { trouble: told } = trouble("page_failed", { detail: String(error) });
                  act.fail(told, () => setRecolouring((tries) => tries + 1));
                }}
              />
            </div>
          )}
        </PartsLayer>
      )}
      {compared && (
        <PartsLayer
          {...parts}
          labels={labelsShown(compared, compared.faces.length === result?.faces.length ? state.face : null)}
          right={size.width - splitAt(split)}
        />
      )}
      {compared && model && other && <CompareNames left={other} right={model} models={state.models} />}
      {result && isSettled && style.boxes && !drawing && (
        <FaceBoxes
          faces={result.faces}
          selected={state.face}
          photo={box}
          scale={scale}
          onSelect={chooseFace}
        />
      )}
      {look.part && !drawing && (
        <PartFrame part={look.part} photoSize={photo.size} photo={box} scale={scale} onPart={act.parsePart} />
      )}
      {result && isSettled && !drawing && <SplitHandle {...span} split={split} onSplit={act.setSplit} />}
      {drawing && (
        <DrawPart
          photoSize={photo.size}
          photo={box}
          scale={scale}
          onPart={act.parsePart}
          onCancel={() => {
            stageRef.current?.focus();
            act.draw(false);
          }}
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
