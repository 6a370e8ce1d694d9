import type { ClassRow, ModelDetail, Output, SegmentOptions } from "@/api/client";
import type { Result, Task } from "@/results/result";
import { unseen } from "./shown";
import type { StudioState } from "./state";

interface Wanted extends Pick<Task, "faces" | "model"> {
  output: Output;
  /** The number of the one face of several that is shown. */
  face?: number;
  classes: readonly ClassRow[];
  hidden: ReadonlySet<number>;
  alpha: number;
}

/** The options of a task as the API takes them; its defaults are left out. */
export function serviceOptions({ faces, model }: Pick<Task, "faces" | "model">): SegmentOptions {
  return { ...(faces === "whole" && { faces }), ...(model !== null && { model }) };
}

/** The options of the request whose answer shows what the page shows; the API's defaults are left out. */
export function requestOptions({ output, face, classes, hidden, alpha, ...task }: Wanted): SegmentOptions {
  const shown = classes.filter(({ id }) => id !== 0 && !hidden.has(id));
  const all = classes.every(({ id }) => !hidden.has(id));
  return {
    output,
    ...serviceOptions(task),
    ...(face !== undefined && { face }),
    ...(!all && { classes: shown.map(({ name }) => name).join(",") || "0" }),
    ...(output === "overlay" && { alpha: Math.round(100 * alpha) / 100 }),
  };
}

/** The same for a result as it is shown. */
export function optionsOf(
  state: StudioState,
  { task, faces: found }: Result,
  { classes }: ModelDetail,
  output: Output,
): SegmentOptions {
  const { faces, model } = task;
  const hidden = unseen(state, classes);
  const face = state.face === null || found.length < 2 ? undefined : found[state.face]?.number;
  return requestOptions({ output, faces, model, face, classes, hidden, alpha: state.opacity });
}
