import { Welcome } from "./Welcome";

const DROP = [
  "pointer-events-none absolute inset-0 grid place-items-center rounded-xl",
  "border-2 border-dashed border-accent bg-overlay/80 text-lg font-medium",
].join(" ");

interface Props {
  empty: boolean;
  dragging: boolean;
  onChoose: () => void;
}

/** The welcome on the empty stage, and what dropping will do while a photo is dragged over the page. */
export function StageMessage({ empty, dragging, onChoose }: Props) {
  if (dragging) {
    return <div className={DROP}>Drop it here</div>;
  }
  return empty ? <Welcome onChoose={onChoose} /> : null;
}
