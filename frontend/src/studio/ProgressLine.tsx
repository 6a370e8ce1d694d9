import { Button } from "@/controls/Button";
import { ProgressBar } from "@/controls/ProgressBar";
import type { Progress } from "./state";

const WORDS: Record<Progress["stage"], string> = {
  opening: "Opening the photo",
  sending: "Sending the photo",
  parsing: "Finding the parts",
  model: "Fetching the model",
};

interface Props {
  progress: Progress;
  onCancel: () => void;
}

/** What is being done, over the top of the stage. */
export function ProgressLine({ progress: { stage, share }, onCancel }: Props) {
  return (
    <div className="pointer-events-none absolute inset-x-0 top-0 p-4" data-testid="progress">
      <div className="mx-auto flex max-w-80 items-center gap-3 rounded-xl bg-overlay/95 p-3 shadow-lg">
        <ProgressBar label={WORDS[stage]} share={share} />
        <Button size="sm" variant="tertiary" className="pointer-events-auto" onClick={onCancel}>Cancel</Button>
      </div>
    </div>
  );
}
