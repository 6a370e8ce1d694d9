import { useCallback, useEffect, useReducer, useRef } from "react";
import type { ModelDetail } from "@/api/client";
import { fetchModel, fetchModels } from "@/api/models";
import { segment, segmentToJson } from "@/api/segment";
import { trouble, TroubleError } from "@/api/trouble";
import { parseOnDevice } from "@/device/device";
import { openPhoto, pictureSize, type Photo } from "@/photo/photo";
import { modelFor } from "./model-for";
import { resultOfAnswer, resultOfLabels, type Result, type Task } from "./result";
import { EMPTY, studioReducer, type StudioAction } from "./state";

/** A file, or what fetches one. */
export type Source = File | ((signal: AbortSignal) => Promise<File>);

/** What was begun last, for another try. */
type Attempt = { task: Task } & ({ photo: Photo } | { source: Source });

/** Opens photos, has them parsed, keeps the latest results. A new photo or task ends the one before. */
export function useParsing(key: string, models: readonly ModelDetail[]) {
  const [state, dispatch] = useReducer(studioReducer, EMPTY);
  const running = useRef<AbortController | null>(null);
  const latest = useRef<Attempt | null>(null);
  useFreedPictures(state.recent, state.photo);

  const begin = useCallback((attempt: Attempt) => {
    latest.current = attempt;
    running.current?.abort();
    running.current = new AbortController();
    const { signal } = running.current;
    const tell = (action: StudioAction) => signal.aborted || dispatch(action);
    const fail = (error: unknown) => {
      if (error instanceof TroubleError) tell({ type: "failed", trouble: error.trouble });
      else if (!isAbort(error)) tell({ type: "failed", trouble: trouble("page_failed", { detail: String(error) }).trouble });
    };
    return { signal, tell, fail };
  }, []);

  const parse = useCallback(
    async (photo: Photo, task: Task, withKey = key) => {
      const { signal, tell, fail } = begin({ photo, task });
      try {
        const run = task.where === "device" ? onDevice : onService;
        const result = await run({ photo, task, key: withKey, model: modelFor(models, task), signal, tell });
        tell({ type: "parsed", result });
        // whatever is shown by then: the photo stays among the recent ones
        if (!photo.size && task.where === "service") dispatch({ type: "pictured", photo: await pictureOf(result, withKey) });
      } catch (error) {
        fail(error);
      }
    },
    [begin, key, models],
  );

  const open = useCallback(
    async (source: Source, task: Task, withKey = key) => {
      const { tell, signal, fail } = begin({ source, task });
      tell({ type: "opening" });
      try {
        const photo = await openPhoto(typeof source === "function" ? await source(signal) : source);
        if (signal.aborted) return;
        dispatch({ type: "opened", photo });
        await parse(photo, task, withKey);
      } catch (error) {
        fail(error);
      }
    },
    [begin, key, parse],
  );

  const retry = useCallback(
    (withKey = key) => {
      const attempt = latest.current;
      if (!attempt) return;
      void ("photo" in attempt ? parse(attempt.photo, attempt.task, withKey) : open(attempt.source, attempt.task, withKey));
    },
    [key, open, parse],
  );

  const show = useCallback((result: Result) => {
    running.current?.abort();
    dispatch({ type: "shown", result });
  }, []);
  const dismiss = useCallback(() => {
    running.current?.abort();
    dispatch({ type: "dismissed" });
  }, []);
  return { state, open, parse, retry, show, dismiss };
}

interface Run {
  photo: Photo;
  task: Task;
  key: string;
  model: ModelDetail | null;
  signal: AbortSignal;
  tell: (action: StudioAction) => void;
}

async function onService({ photo, task, key, signal, tell }: Run): Promise<Result> {
  tell({ type: "progress", progress: { stage: "sending", share: 0 } });
  const onSent = (share: number) =>
    tell({ type: "progress", progress: share < 1 ? { stage: "sending", share } : { stage: "parsing", share: null } });
  const { answer, bytes } = await segmentToJson({ photo: photo.file, key, signal, onSent }, serviceOptions(task));
  return resultOfAnswer(photo, task, answer, bytes);
}

async function onDevice(run: Run): Promise<Result> {
  const { task, key, signal, tell } = run;
  tell({ type: "progress", progress: { stage: "parsing", share: null } });
  const model = run.model ?? modelFor(await fetchModels(key, signal), task); // a quick hand, a slow network
  if (!model) throw trouble("no_local_model");
  try {
    return await parseHere(run, model);
  } catch (error) {
    if (!(error instanceof TroubleError && error.trouble.code === "no_local_model")) throw error;
    const now = await fetchModel(model.name, key, signal); // the service may have a new version since
    if (now.sha256 === model.sha256) throw error;
    return parseHere(run, now);
  }
}

async function parseHere({ photo, task, key, signal, tell }: Run, model: ModelDetail): Promise<Result> {
  const found = await parseOnDevice({
    photo: photo.file,
    cut: task.cut,
    model,
    key,
    signal,
    onModel: (share) => tell({ type: "progress", progress: { stage: "model", share } }),
    onParsing: () => tell({ type: "progress", progress: { stage: "parsing", share: null } }),
  });
  return resultOfLabels(photo, task, found, model);
}

/** The options of a task as the API takes them; its defaults are left out. */
export function serviceOptions(task: Task) {
  return { ...(task.faces === "whole" && { faces: task.faces }), ...(task.model !== null && { model: task.model }) };
}

/** For formats a browser cannot show, such as TIFF: the overlay with nothing laid over is the photo. */
async function pictureOf({ photo, task }: Result, key: string): Promise<Photo> {
  const picture = await segment({ photo: photo.file, options: { ...serviceOptions(task), output: "overlay", alpha: 0 }, key });
  const url = URL.createObjectURL(picture);
  return { ...photo, url, size: await pictureSize(url) };
}

/** Gives back the memory of pictures that are neither shown nor recent any more. */
function useFreedPictures(recent: Result[], photo: Photo | null) {
  const held = useRef(new Set<string>());
  useEffect(() => {
    const now = new Set(recent.map((result) => result.photo.url));
    if (photo) now.add(photo.url);
    for (const url of held.current) if (!now.has(url)) URL.revokeObjectURL(url);
    held.current = now;
  }, [recent, photo]);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
