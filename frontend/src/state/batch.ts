import { trouble, TroubleError, type Trouble } from "@/api/trouble";
import { measured, openPhoto } from "@/photo/photo";
import type { Result, Task } from "@/results/result";
import { modelFor } from "./model-for";
import { pictureOf, work } from "./parsing";
import { WHOLE } from "./state";
import type { Store } from "./store";
import { picturesOf } from "./use-freed-pictures";

/** One of several photos that were given together. */
export interface BatchItem {
  file: File;
  stage: "waiting" | "working" | "done" | "failed";
  result: Result | null;
  trouble: Trouble | null;
}

/** Parses several photos one after the other. Those before are forgotten. */
export function batchOver({ dispatch, now }: Pick<Store, "dispatch" | "now">) {
  let all = new AbortController();
  let one = new AbortController();

  const tell = (index: number, change: Partial<BatchItem>) => dispatch({ type: "batchItem", index, change });

  const parse = async (file: File, signal: AbortSignal): Promise<Result> => {
    const { where, model: chosen, models, apiKey, batch } = now();
    const known = batch.flatMap(({ result }) => result?.photo ?? []);
    const photo = await measured(await openPhoto(file, known));
    const task: Task = { ...WHOLE, where, model: chosen };
    const run = { photo, task, apiKey, model: modelFor(models, task), signal, lane: "batch" as const };
    try {
      return await work({ ...run, tell: () => undefined });
    } catch (error) {
      if (!picturesOf(now()).has(photo.url)) URL.revokeObjectURL(photo.url);
      throw error;
    }
  };

  /** Again where the person chose another place meanwhile: what was begun there has ended. */
  const parseAgain = async (file: File, ended: AbortSignal): Promise<Result> => {
    for (;;) {
      one = new AbortController();
      try {
        return await parse(file, AbortSignal.any([ended, one.signal]));
      } catch (error) {
        if (ended.aborted || !one.signal.aborted) throw error;
      }
    }
  };

  /** Beside the next photo; without it the photo is not seen, but its parts are there. */
  const withPicture = async (result: Result): Promise<void> => {
    if (result.photo.size || result.task.where === "device") return;
    const photo = await pictureOf(result, now().apiKey).catch(() => null);
    if (photo) dispatch({ type: "pictured", photo });
  };

  const open = async (files: readonly File[]): Promise<void> => {
    all.abort();
    const { signal } = (all = new AbortController());
    const waiting = { stage: "waiting", result: null, trouble: null } as const;
    dispatch({ type: "batch", batch: files.map((file) => ({ file, ...waiting })) });
    const before = now().photo?.id;
    let isFirst = true;
    for (const [index, file] of files.entries()) {
      tell(index, { stage: "working" });
      try {
        const result = await parseAgain(file, signal);
        if (signal.aborted) return;
        tell(index, { stage: "done", result });
        void withPicture(result);
        const { photo, progress } = now();
        const isLeft = photo?.id === before && !progress; // else a person has chosen what is on the stage
        if (isFirst && isLeft) dispatch({ type: "shown", result });
        isFirst = false;
      } catch (error) {
        if (signal.aborted) return;
        const told =
          error instanceof TroubleError ? error : trouble("page_failed", { detail: String(error) });
        tell(index, { stage: "failed", trouble: told.trouble });
      }
    }
  };

  return {
    open,
    /** What is being parsed begins anew, where photos are parsed now. */
    restart: () => one.abort(),
    close: () => {
      all.abort();
      dispatch({ type: "batch", batch: [] });
    },
  };
}
