const MOVING = "animate-pulse motion-reduce:animate-none";

/** Holds the place of what is on its way; `still` while the page starts, which has no time to draw frames. */
export function Placeholder({ className, still = false }: { className: string; still?: boolean }) {
  return (
    <span aria-hidden className={["block rounded bg-default", still ? "" : MOVING, className].join(" ")} />
  );
}
