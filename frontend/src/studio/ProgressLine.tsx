import { ProgressBar } from "@heroui/react";
import type { Progress } from "./state";

const WORDS: Record<Progress["stage"], string> = {
  opening: "Opening the photo",
  sending: "Sending the photo",
  parsing: "Finding the parts",
  model: "Fetching the model",
};

/** What is being done, over the top of the stage. */
export function ProgressLine({ progress }: { progress: Progress }) {
  const { stage, share } = progress;
  return (
    <div className="pointer-events-none absolute inset-x-0 top-0 p-4" data-testid="progress">
      <div className="mx-auto max-w-72 rounded-xl bg-overlay/95 p-3 shadow-lg">
        <ProgressBar aria-label={WORDS[stage]} size="sm" value={share === null ? undefined : 100 * share} isIndeterminate={share === null}>
          <span className="text-sm">{WORDS[stage]} …</span>
          <ProgressBar.Track>
            <ProgressBar.Fill />
          </ProgressBar.Track>
        </ProgressBar>
      </div>
    </div>
  );
}
