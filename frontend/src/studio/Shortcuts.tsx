import { useEffect, useEffectEvent, useState } from "react";
import { laterDialog } from "@/lib/later";
import { useStudio } from "@/state/studio-context";

const ShortcutsDialog = laterDialog(() => import("./ShortcutsDialog"));

/** Keys that work anywhere on the page but in a field, a control or a dialog. */
export function Shortcuts({ onChoose }: { onChoose: () => void }) {
  const { state, act } = useStudio();
  const [open, setOpen] = useState(false);

  const step = (by: number) => {
    const parsed = state.batch.flatMap(({ result }) => result ?? []);
    const at = parsed.findIndex(({ photo }) => photo.id === state.result?.photo.id);
    const next = parsed[at + by];
    if (next) act.show(next);
  };
  const onDown = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const acts: Record<string, () => void> = {
      "?": () => setOpen(true),
      o: onChoose,
      b: () => state.result && act.draw(!state.drawing),
      n: () => step(1),
      p: () => step(-1),
      " ": () => peek(true),
    };
    const found = acts[event.key];
    if (!found) return;
    event.preventDefault();
    if (!event.repeat) found();
  });

  useEffect(() => {
    const listening = new AbortController();
    window.addEventListener("keydown", onDown, listening);
    window.addEventListener("keyup", ({ key }) => key === " " && peek(false), listening);
    window.addEventListener("blur", () => peek(false), listening);
    return () => listening.abort();
  }, []);
  return open && <ShortcutsDialog onClose={() => setOpen(false)} />;
}

/** Whether the key is meant for what has the focus. */
function isTyping({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest("[role=dialog], input:not([type=checkbox]), textarea, select, [role=listbox]"))
    return true;
  return key === " " && target.closest("button, input, a, [role=button], [role=radio]") !== null;
}

/** The photo without what is laid over it (app/media.css). */
function peek(on: boolean): void {
  document.documentElement.toggleAttribute("data-peek", on);
}
