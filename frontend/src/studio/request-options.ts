import type { ClassRow, Output, SegmentOptions } from "@/api/client";

interface Wanted {
  output: Output;
  faces: NonNullable<SegmentOptions["faces"]>;
  /** Null: the default one. */
  model: string | null;
  classes: readonly ClassRow[];
  hidden: ReadonlySet<number>;
  alpha: number;
}

/** The options of the request whose answer shows what the page shows; the API's defaults are left out. */
export function requestOptions({ output, faces, model, classes, hidden, alpha }: Wanted): SegmentOptions {
  const shown = classes.filter(({ id }) => id !== 0 && !hidden.has(id));
  const all = classes.every(({ id }) => !hidden.has(id));
  return {
    output,
    ...(faces === "whole" && { faces }),
    ...(model !== null && { model }),
    ...(!all && { classes: shown.map(({ name }) => name).join(",") || "0" }),
    ...(output === "overlay" && { alpha: Math.round(100 * alpha) / 100 }),
  };
}
