import { segmentBatch } from "@/api/batch";
import { trouble, TroubleError, type Trouble } from "@/api/trouble";
import { zip, type ZipMember } from "@/files/zip";
import { measured, openPhoto } from "@/photo/photo";
import { fullLabels, type Result, type Task } from "@/results/result";
import { modelFor } from "./model-for";
import { work } from "./parsing";
import { serviceOptions } from "./request-options";
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

/** The masks of all that was parsed, named after their photos: the service's, or drawn here. */
export async function zipOfMasks({ now }: Pick<Store, "now">): Promise<Blob> {
  const { batch, where, apiKey: key, models } = now();
  const results = batch.flatMap(({ result }) => result ?? []);
  const drawn = results.filter(({ task }) => where === "device" || task.where === "device");
  const masks = new Map<Result, Uint8Array<ArrayBuffer> | null>();
  const { deviceFile } = await import("@/device/files");
  for (const result of drawn) {
    const model = modelFor(models, result.task);
    if (!model) continue;
    const shown = { hidden: new Set<number>(), opacity: 1 };
    const blob = await deviceFile("mask", { result, labels: await fullLabels(result), model, ...shown });
    masks.set(result, new Uint8Array(await blob.arrayBuffer()));
  }
  const asked = results.filter((result) => !masks.has(result));
  const names = new Set(asked.map(({ task }) => task.model));
  for (const model of names) {
    const some = asked.filter(({ task }) => task.model === model);
    const options = { ...serviceOptions({ faces: "auto", model }), output: "mask" } as const;
    const photos = some.map(({ photo }) => photo.file);
    const answers = await segmentBatch({ photos, options, key });
    some.forEach((result, index) => masks.set(result, answers[index] ?? null));
  }
  return zip(
    results.flatMap((result, index): ZipMember | [] => {
      const bytes = masks.get(result);
      const stem = result.photo.name.replace(/\.[^.]*$/, "");
      return bytes ? { name: `${String(index + 1).padStart(2, "0")}-${stem}-mask.png`, bytes } : [];
    }),
  );
}
