import type { ModelDetail } from "@/api/client";
import { fetchModel, fetchModels } from "@/api/models";
import { trouble, TroubleError } from "@/api/trouble";
import { parseOnDevice, type DeviceCall } from "@/device/device";
import type { DeviceLabels, Task } from "@/results/result";
import { modelFor } from "./model-for";
import { WHOLE, type Progress } from "./state";
import type { Store } from "./store";

export interface HereRun {
  source: DeviceCall["photo"];
  task: Task;
  apiKey: string;
  /** Null before the list of models is there. */
  model: ModelDetail | null;
  signal: AbortSignal;
  tell: (progress: Progress) => void;
  /** A call ends those before it of the same lane. */
  lane: DeviceCall["lane"];
}

export interface Here {
  found: DeviceLabels;
  model: ModelDetail;
}

/** Parses on this device. Rejects with a TroubleError, or an AbortError. */
export async function parseHere(run: HereRun): Promise<Here> {
  const { task, apiKey, signal } = run;
  const model = run.model ?? modelFor(await fetchModels(apiKey, signal).catch(toldHere), task);
  if (!model) throw trouble("no_local_model");
  try {
    return await parseBy(model, run);
  } catch (error) {
    if (!(error instanceof TroubleError && error.trouble.code === "no_local_model")) throw error;
    const newest = await fetchModel(model.name, apiKey, signal); // the service may have a new version since
    if (newest.sha256 === model.sha256) throw error;
    return parseBy(newest, run);
  }
}

/** What the camera shows at the moment; `source` is its picture. The rest is as of a photo. */
export function parseFrame(
  { now }: Pick<Store, "now">,
  frame: Pick<HereRun, "source" | "signal" | "tell">,
): Promise<Here> {
  const { model, models, apiKey } = now();
  const task: Task = { ...WHOLE, where: "device", model };
  return parseHere({ ...frame, task, apiKey, model: modelFor(models, task), lane: "camera" });
}

async function parseBy(model: ModelDetail, { source, task, lane, apiKey, signal, tell }: HereRun) {
  const found = await parseOnDevice({
    photo: source,
    faces: model.cut === "whole" ? "whole" : task.faces,
    part: task.part,
    lane,
    model,
    key: apiKey,
    signal,
    onProgress: (fetching) =>
      tell(fetching ? { stage: "model", ...fetching } : { stage: "parsing", share: null }),
  });
  return { found, model };
}

/** The words for who is offline on this device already. */
function toldHere(error: unknown): never {
  if (!(error instanceof TroubleError && error.trouble.code === "offline")) throw error;
  throw trouble("offline", { hint: "The model has to be fetched once. Connect and try again." });
}
