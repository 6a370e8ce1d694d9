interface Props {
  empty: boolean;
  dragging: boolean;
  onChoose: () => void;
}

/** The invitation on the empty stage, and what dropping will do while a photo is dragged over the page. */
export function StageMessage({ empty, dragging, onChoose }: Props) {
  if (dragging) {
    return (
      <div className="pointer-events-none absolute inset-0 grid place-items-center rounded-2xl border-2 border-dashed border-accent bg-overlay/80 text-lg font-medium">
        Drop it here
      </div>
    );
  }
  if (!empty) return null;
  return (
    <button
      type="button"
      className="absolute inset-0 grid cursor-pointer place-content-center gap-1 rounded-2xl px-6 text-center outline-offset-2 focus-visible:outline-2 focus-visible:outline-focus"
      onClick={onChoose}
    >
      <span className="text-lg font-medium">Drop a photo with a face</span>
      <span className="text-sm text-muted">or paste one, or choose one. It is not kept.</span>
    </button>
  );
}
