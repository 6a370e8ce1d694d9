/** Holds the place of what is on its way. */
export function Placeholder({ className }: { className: string }) {
  return <span aria-hidden className={`block animate-pulse rounded bg-default motion-reduce:animate-none ${className}`} />;
}
