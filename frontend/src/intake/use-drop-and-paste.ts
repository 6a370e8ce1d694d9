import { useEffect, useEffectEvent, useState } from "react";
import { photosIn } from "@/photo/photo";

/** Photos dropped or pasted anywhere on the page. Says whether one is being dragged over it. */
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
      const files = photosIn(transfer);
      if (files.length === 0) return;
      event.preventDefault();
      take(files);
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
