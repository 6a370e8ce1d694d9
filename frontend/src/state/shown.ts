import type { ClassRow } from "@/api/client";
import type { StudioState } from "./state";

/** Ids of the classes that are not seen: all but one while that is kept alone, else those switched off. */
export function unseen(
  { hidden, solo }: Pick<StudioState, "hidden" | "solo">,
  classes: readonly Pick<ClassRow, "id">[],
): ReadonlySet<number> {
  if (solo === null) return hidden;
  return new Set(classes.map(({ id }) => id).filter((id) => id !== 0 && id !== solo));
}
