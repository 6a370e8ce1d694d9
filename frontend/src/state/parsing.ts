import { segment, segmentToLabels } from "@/api/segment";
import { isAbort, trouble, TroubleError } from "@/api/trouble";
import { croppedFile } from "@/photo/cropped";
import { isHeic, measured, openPhoto, type Photo } from "@/photo/photo";
import { resultOfAnswer, resultOfLabels, type Look, type Result, type Task } from "@/results/result";
import { modelFor } from "./model-for";
import { parseHere, type HereRun } from "./parse-here";
import { serviceOptions } from "./request-options";
import { WHOLE, type Failure, type Progress } from "./state";
import type { Store } from "./store";

/** A file, or what fetches one. */
export type Source = File | ((signal: AbortSignal) => Promise<File>);

/** Opens photos and has them parsed. Whatever is begun ends what was begun before. */
export function parsingOver({ dispatch, now }: Pick<Store, "dispatch" | "now">) {
  let running: AbortController | null = null;

  const begin = () => {
    running?.abort();
    running = new AbortController();
    return running.signal;
  };

  const parse = async (given: Photo, look: Look): Promise<void> => {
    const signal = begin();
    const { where, model: chosen, models, apiKey } = now();
    const task: Task = { ...look, where, model: chosen };
    dispatch({ type: "opened", photo: given, look });
    const tell = (progress: Progress) => signal.aborted || dispatch({ type: "progress", progress });
    try {
      const working = work({ photo: given, task, apiKey, model: modelFor(models, task), signal, tell });
      working.catch(() => undefined); // heard below
      const photo = await measured(given); // on its way meanwhile
      if (photo !== given) dispatch({ type: "pictured", photo });
      const result = { ...(await working), photo };
      if (signal.aborted) return;
      dispatch({ type: "parsed", result });
      if (photo.size || where === "device") return;
      // whatever is shown by the time it comes: the photo stays among the recent ones
      dispatch({ type: "pictured", photo: await pictureOf(result, apiKey) });
    } catch (error) {
      const failure = failureOf(error, () => void parse(given, look), given.name);
      if (failure && !signal.aborted) dispatch({ type: "failed", failure });
    }
  };

  /** The photo of a result once more, with another model (by name; null: the default one), beside it. */
  const compare = async (before: Result, chosen: string | null): Promise<void> => {
    const { photo, task: known } = before;
    const signal = begin();
    const { where, models, apiKey } = now();
    const task: Task = { ...known, where, model: chosen };
    const tell = (progress: Progress) => signal.aborted || dispatch({ type: "progress", progress });
    try {
      const result = await work({ photo, task, apiKey, model: modelFor(models, task), signal, tell });
      if (!signal.aborted) dispatch({ type: "compared", result });
    } catch (error) {
      const failure = failureOf(error, () => void compare(before, chosen), photo.name);
      if (failure && !signal.aborted) dispatch({ type: "failed", failure });
    }
  };

  const open = async (source: Source): Promise<void> => {
    const signal = begin();
    if (typeof source === "function") dispatch({ type: "opening" });
    let file: File | undefined;
    try {
      file = typeof source === "function" ? await source(signal) : source;
      const known = now().recent.map((result) => result.photo);
      const photo = await openPhoto(file, known);
      if (!signal.aborted) await parse(photo, WHOLE);
    } catch (error) {
      const failure = failureOf(error, () => void open(source), file?.name);
      if (failure && !signal.aborted) dispatch({ type: "failed", failure });
    }
  };

  return { open, parse, compare, stop: () => running?.abort() };
}

export interface Run extends Omit<HereRun, "source" | "lane"> {
  photo: Photo;
  lane?: "stage" | "batch";
}

/** Where the task says. Rejects with a TroubleError, or an AbortError. */
export async function work(run: Run): Promise<Result> {
  try {
    return await (run.task.where === "device" ? onDevice(run) : onService(run));
  } catch (error) {
    const unread = error instanceof TroubleError && UNREAD.includes(error.trouble.code);
    throw unread && (await isHeic(run.photo.file)) ? trouble("heic") : error;
  }
}

/** Said of an unknown format; of HEIC, which some services and browsers read, there is more to say. */
const UNREAD = ["unsupported_image", "not_readable_here"];

async function onService({ photo, task, apiKey: key, signal, tell }: Run): Promise<Result> {
  tell({ stage: "sending", share: 0 });
  const onSent = (share: number) =>
    tell(share < 1 ? { stage: "sending", share } : { stage: "parsing", share: null });
  const file = task.part ? await croppedFile(photo, task.part) : photo.file;
  const call = { photo: file, key, signal, onSent };
  const { answer, labels } = await segmentToLabels(call, serviceOptions(task));
  return resultOfAnswer(photo, task, answer, labels);
}

async function onDevice({ photo, ...run }: Run): Promise<Result> {
  run.tell({ stage: "parsing", share: null });
  const { found, model } = await parseHere({ source: photo.file, lane: "stage", ...run });
  return resultOfLabels(photo, run.task, found, model);
}

/** For formats a browser cannot show, such as TIFF: the overlay with nothing laid over is the photo. */
export async function pictureOf({ photo, task }: Result, key: string): Promise<Photo> {
  const options = { ...serviceOptions(task), output: "overlay", alpha: 0 } as const;
  const url = URL.createObjectURL(await segment({ photo: photo.file, options, key }));
  return measured({ ...photo, url });
}

/** Null for what a person has ended. */
function failureOf(error: unknown, retry: () => void, photoName?: string): Failure | null {
  if (isAbort(error)) return null;
  const told = error instanceof TroubleError ? error : trouble("page_failed", { detail: String(error) });
  return { trouble: told.trouble, retry, photoName };
}
