import { Button } from "@heroui/react/button";
import { ProgressBar } from "@heroui/react/progress-bar";
import { formatBytes } from "@/lib/format";
import type { Progress } from "@/state/state";

const WORDS: Record<Progress["stage"], string> = {
  opening: "Opening the photo",
  sending: "Sending the photo",
  parsing: "Finding the parts",
  model: "Fetching what finds the parts",
};

interface Props {
  progress: Progress;
  onCancel: () => void;
}

/** What is being done, over the top of the stage. */
export function ProgressLine({ progress: { stage, share, bytes }, onCancel }: Props) {
  return (
    <div className="pointer-events-none absolute inset-x-0 top-0 p-4" data-testid="progress">
      <div className="mx-auto flex max-w-80 items-center gap-3 rounded-xl bg-overlay/95 p-3 shadow-lg">
        <ProgressBar
          aria-label={WORDS[stage]}
          size="sm"
          className="min-w-0 flex-1"
          maxValue={1}
          value={share ?? 0}
          isIndeterminate={share === null}
        >
          <span className="text-sm">
            {WORDS[stage]}
            {bytes ? `, ${formatBytes(bytes)} once` : ""} …
          </span>
          <ProgressBar.Track>
            <ProgressBar.Fill />
          </ProgressBar.Track>
        </ProgressBar>
        <Button size="sm" variant="tertiary" className="pointer-events-auto" onPress={onCancel}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
