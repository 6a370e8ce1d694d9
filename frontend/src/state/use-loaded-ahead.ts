import { useEffect } from "react";
import { useStudio } from "./studio-context";

/** Fetches what shows a result while the photo is worked on. */
export function useLoadedAhead(parts: readonly { ahead: () => Promise<void> }[]): void {
  const isWorking = useStudio().state.progress !== null;
  useEffect(() => {
    if (!isWorking) return;
    for (const { ahead } of parts) ahead().catch(() => undefined); // tried again where it is needed
  }, [isWorking, parts]);
}
