import { useEffect, useEffectEvent, useState } from "react";
import { photosIn } from "@/photo/given";

/**
 * Photos dropped or pasted anywhere on the page, and those of folders, which may have none. Says whether
 * one is being dragged over it.
 */
export function useDropAndPaste(onFiles: (files: readonly File[]) => void): boolean {
  const [dragging, setDragging] = useState(false);
  const take = useEffectEvent(onFiles);

  useEffect(() => {
    const listening = new AbortController();
    const listen = <Name extends keyof WindowEventMap>(
      name: Name,
      act: (event: WindowEventMap[Name]) => void,
    ) => window.addEventListener(name, act, listening);
    const accept = (event: { preventDefault: () => void }, transfer: DataTransfer | null) => {
      if (!transfer?.files.length) return;
      event.preventDefault();
      photosIn(transfer).then(take, () => take([]));
    };
    listen("dragover", (event) => {
      event.preventDefault();
      setDragging(event.dataTransfer?.types.includes("Files") ?? false);
    });
    listen("dragleave", (event) => event.relatedTarget === null && setDragging(false));
    listen("drop", (event) => {
      event.preventDefault();
      setDragging(false);
      accept(event, event.dataTransfer);
    });
    listen("paste", (event) => accept(event, event.clipboardData));
    return () => listening.abort();
  }, []);
  return dragging;
}
