import { useEffect } from "react";
import type { Store } from "./store";

/** Gives back the memory of pictures that nothing on the page can show any more. */
export function useFreedPictures({ now, subscribe }: Store): void {
  useEffect(() => {
    let held = new Set<string>();
    return subscribe(() => {
      const { recent, batch, photo, given } = now();
      const photos = [...recent, ...batch.map(({ result }) => result)]
        .map((result) => result?.photo)
        .concat(photo ?? [], given ?? []);
      const needed = new Set(photos.flatMap((each) => each?.url ?? []));
      for (const url of held) if (!needed.has(url)) URL.revokeObjectURL(url);
      held = needed;
    });
  }, [now, subscribe]);
}
