import { useEffect } from "react";
import type { StudioState } from "./state";
import type { Store } from "./store";

/** The addresses of all pictures that the page shows or can go back to. */
export function picturesOf({ recent, batch, previous, photo, given }: StudioState): Set<string> {
  const results = [...recent, ...batch.map(({ result }) => result), previous];
  const photos = [...results.map((result) => result?.photo), photo, given];
  return new Set(photos.flatMap((each) => each?.url ?? []));
}

/** Gives back the memory of pictures that nothing on the page can show any more. */
export function useFreedPictures({ now, subscribe }: Store): void {
  useEffect(() => {
    let held = new Set<string>();
    return subscribe(() => {
      const needed = picturesOf(now());
      for (const url of held) if (!needed.has(url)) URL.revokeObjectURL(url);
      held = needed;
    });
  }, [now, subscribe]);
}
