import { Button } from "@heroui/react/button";

const DROP = [
  "pointer-events-none absolute inset-0 grid place-items-center rounded-2xl",
  "border-2 border-dashed border-accent bg-overlay/80 text-lg font-medium",
].join(" ");
const INVITATION = [
  "absolute inset-0 size-full flex-col gap-1 rounded-2xl bg-transparent px-6 text-center whitespace-normal",
  "active:transform-none data-[pressed=true]:transform-none",
].join(" ");

interface Props {
  empty: boolean;
  dragging: boolean;
  onChoose: () => void;
}

/** The invitation on the empty stage, and what dropping will do while a photo is dragged over the page. */
export function StageMessage({ empty, dragging, onChoose }: Props) {
  if (dragging) {
    return <div className={DROP}>Drop it here</div>;
  }
  if (!empty) return null;
  return (
    <Button variant="ghost" className={INVITATION} onPress={onChoose}>
      <span className="text-lg font-medium">Drop a photo with a face</span>
      <span className="text-sm font-normal text-muted">or paste one, or choose one. It is not kept.</span>
    </Button>
  );
}
