import { useEffect, type RefObject } from "react";

const REST = 2500;

/** Sets `data-resting` on an element while the pointer over it has not moved for a while (`fades`). */
export function useRestingPointer(ref: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const rest = () => element.setAttribute("data-resting", "");
    const wake = () => {
      element.removeAttribute("data-resting");
      clearTimeout(timer);
      timer = setTimeout(rest, REST);
    };
    const listening = new AbortController();
    for (const event of ["pointermove", "pointerdown", "keydown", "focusin"])
      element.addEventListener(event, wake, { passive: true, signal: listening.signal });
    return () => {
      listening.abort();
      clearTimeout(timer);
    };
  }, [ref]);
}
