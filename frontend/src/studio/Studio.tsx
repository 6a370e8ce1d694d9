"use client";

import { Suspense, useMemo, useRef, useState } from "react";
import type { Output, SegmentOptions } from "@/api/client";
import type { Trouble } from "@/api/trouble";
import { Button } from "@/controls/Button";
import { aroundFace, letterbox } from "@/device/cut";
import type { Paint } from "@/labels/paint";
import { useSize } from "@/lib/use-size";
import { Intake } from "@/photo/Intake";
import { fetchSample } from "@/photo/sample";
import { useDropAndPaste } from "@/photo/use-drop-and-paste";
import { Stage } from "@/stage/Stage";
import { Toolbar } from "@/stage/Toolbar";
import { useView } from "@/stage/use-view";
import { Header } from "./Header";
import { modelFor, modelsFor } from "./model-for";
import { Panel } from "./Panel";
import { ProgressLine } from "./ProgressLine";
import type { Task } from "./result";
import { StageMessage } from "./StageMessage";
import { requestOptions } from "./request-options";
import { TroubleCard } from "./TroubleCard";
import { useModels } from "./use-models";
import { useParsing, type Source } from "./use-parsing";

const WHOLE_ON_SERVICE: Task = { where: "service", faces: "auto", model: null, cut: null };
const DEFAULT_OPACITY = 0.6;

/** Of something beside the parsing: the camera, a download. */
interface OwnTrouble {
  trouble: Trouble;
  retry?: () => void;
}

/**
 * The page: a stage with the photo, what can be done with it, and what was found. Each part is in a Suspense of its own,
 * for which React hydrates it by itself: together they would hold up a slow phone for too long.
 */
export function Studio() {
  const [key, setKey] = useState("");
  const { models, trouble: modelTrouble, reload, dismiss: dismissModelTrouble } = useModels(key);
  const { state, open, parse, retry, show, dismiss } = useParsing(key, models);
  const [ownTrouble, setOwnTrouble] = useState<OwnTrouble | null>(null);
  const [task, setTask] = useState(WHOLE_ON_SERVICE);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [highlighted, setHighlighted] = useState<number | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const [opacity, setOpacity] = useState(DEFAULT_OPACITY);
  const [split, setSplit] = useState(0);
  const [face, setFace] = useState<number | null>(null);

  const stageRef = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const { photo, result, progress } = state;
  const size = useSize(stageRef, photo !== null); // without a photo it would only render the page twice at its start
  const model = modelFor(models, result?.task ?? task);
  const view = useView(stageRef, size, photo?.size ?? null);

  const start = (next: Task, source?: Source) => {
    setOwnTrouble(null);
    setFace(null);
    if (models.length === 0) reload();
    if (next.model !== task.model) setHidden(new Set()); // its classes may be others
    setTask(next);
    if (source) {
      view.fit();
      void open(source, next);
    } else if (photo) void parse(photo, next);
  };
  const onSource = (source: Source) => start({ ...task, faces: "auto", cut: null }, source);
  const dragging = useDropAndPaste(onSource);

  const standsOut = highlighted ?? pointed;
  const colors = useMemo<Paint>(
    () => ({ classes: model?.classes ?? [], hidden, highlighted: standsOut }),
    [model, hidden, standsOut],
  );
  const optionsFor = (output: Output): SegmentOptions =>
    requestOptions({ output, ...(result?.task ?? task), classes: model?.classes ?? [], hidden, alpha: opacity });

  const trouble = ownTrouble?.trouble ?? state.trouble ?? (progress ? null : modelTrouble);
  const onRetry = () => {
    setOwnTrouble(null);
    if (ownTrouble?.retry) return ownTrouble.retry();
    reload();
    if (state.trouble) retry();
  };
  const onWhere = (where: Task["where"]) => {
    const box = result?.faces[face ?? 0]?.box;
    start({ ...task, where, faces: "auto", cut: where === "device" && box && model ? aroundFace(box, model.input) : null });
  };
  const onKey = (next: string) => {
    setKey(next);
    setOwnTrouble(null);
    if (state.trouble) retry(next);
  };
  const onDismiss = () => {
    setOwnTrouble(null);
    dismissModelTrouble();
    dismiss();
  };
  const selectFace = (index: number | null) => {
    setFace(index);
    const [x, y, width, height] = (index === null ? undefined : result?.faces[index]?.box) ?? [];
    if (height === undefined) view.fit();
    else view.focusOn({ x: x!, y: y!, width: width!, height });
  };
  const cut = task.where === "device" && photo?.size && model ? (task.cut ?? letterbox(photo.size, model.input)) : null;

  return (
    <div className="mx-auto flex min-h-svh max-w-[110rem] flex-col gap-3 p-3 sm:p-4 lg:h-svh">
      <Suspense>
        <Header
          onDevice={task.where === "device"}
          onWhere={onWhere}
        />
      </Suspense>
      <main className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-h-0 min-w-0 flex-col gap-3">
          <Suspense>
            <Intake
              input={input}
              onFile={onSource}
              onSample={() => onSource(fetchSample)}
              onTrouble={(found) => setOwnTrouble({ trouble: found })}
            />
          </Suspense>
          <div className="relative h-[62svh] lg:h-auto lg:min-h-72 lg:flex-1">
            <Stage
              stageRef={stageRef}
              size={size}
              view={view}
              photo={photo}
              result={result}
              busy={progress !== null}
              colors={colors}
              opacity={opacity}
              split={split}
              onSplit={setSplit}
              onPoint={setPointed}
              pointed={model?.classes.find(({ id }) => id === pointed) ?? null}
              face={face}
              cut={cut}
              onCut={(next) => start({ ...task, cut: next })}
            />
            <StageMessage empty={!photo && !progress && !trouble} dragging={dragging} onChoose={() => input.current?.click()} />
            {progress && <ProgressLine progress={progress} onCancel={dismiss} />}
            {photo && !result && !progress && !trouble && (
              <Button className="absolute left-1/2 top-4 -translate-x-1/2 shadow-lg" onClick={() => start(task)}>Parse this photo</Button>
            )}
            {trouble && (
              <div className="absolute inset-x-3 top-3 mx-auto max-w-lg">
                <TroubleCard
                  trouble={trouble}
                  onRetry={onRetry}
                  onKey={onKey}
                  onChoose={() => input.current?.click()}
                  onDismiss={onDismiss}
                />
              </div>
            )}
          </div>
          <Suspense>
            <Toolbar
              disabled={!result}
              split={split}
              onSplit={setSplit}
              opacity={opacity}
              onOpacity={setOpacity}
              zoom={view.view.zoom}
              onZoom={view.zoom}
              onFit={view.fit}
            />
          </Suspense>
        </div>
        <Suspense>
          <Panel
            models={modelsFor(models, task.where)}
            model={model}
            chosen={modelFor(models, task)?.name}
            onModel={(name) => start({ ...task, model: name === models[0]?.name ? null : name })}
            result={result}
            busy={progress !== null}
            onDevice={task.where === "device"}
            recent={state.recent}
            onShow={(shown) => {
              setFace(null);
              view.fit();
              if (shown.task.model !== task.model) setHidden(new Set());
              setTask(shown.task);
              show(shown);
            }}
            hidden={hidden}
            onHidden={setHidden}
            highlighted={standsOut}
            onHighlight={setHighlighted}
            face={face}
            onFace={selectFace}
            optionsFor={optionsFor}
            apiKey={key}
            opacity={opacity}
            onWhole={() => start({ ...task, faces: "whole" })}
            onTrouble={(found, again) => setOwnTrouble({ trouble: found, retry: again })}
          />
        </Suspense>
      </main>
    </div>
  );
}
