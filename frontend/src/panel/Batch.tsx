import { Button } from "@heroui/react/button";
import { ProgressBar } from "@heroui/react/progress-bar";
import { useState } from "react";
import { trouble, TroubleError } from "@/api/trouble";
import { saveFile } from "@/lib/save-file";
import type { BatchItem } from "@/state/batch";
import { useStudio } from "@/state/studio-context";

const WORDS: Record<BatchItem["stage"], string> = {
  waiting: "waiting",
  working: "being parsed …",
  done: "done",
  failed: "failed",
};

/** Several photos: how far they are, which one is shown, and all of their masks as one file. */
export function Batch() {
  const { state, act } = useStudio();
  const [busy, setBusy] = useState(false);
  const { batch, result } = state;
  if (batch.length === 0) return null;
  const ended = batch.filter(({ stage }) => stage === "done" || stage === "failed").length;
  const parsed = batch.filter((item) => item.result).length;
  const download = async () => {
    setBusy(true);
    try {
      saveFile(await act.zipBatch(), "masks.zip");
    } catch (error) {
      const told = error instanceof TroubleError ? error : trouble("page_failed", { detail: String(error) });
      act.fail(told.trouble, () => void download());
    } finally {
      setBusy(false);
    }
  };
  return (
    <section aria-labelledby="batch-title" data-testid="batch">
      <div className="mb-2 flex items-center gap-2">
        <h2 id="batch-title" className="flex-1 text-sm font-semibold">
          {ended} of {batch.length} photos
        </h2>
        <Button size="sm" variant="tertiary" onPress={act.closeBatch}>
          {ended < batch.length ? "Stop" : "Close the list"}
        </Button>
      </div>
      <ProgressBar aria-label="Photos parsed" size="sm" maxValue={batch.length} value={ended}>
        <ProgressBar.Track>
          <ProgressBar.Fill />
        </ProgressBar.Track>
      </ProgressBar>
      <ul className="mt-2 max-h-60 overflow-y-auto">
        {batch.map((item, index) => (
          <li key={index}>
            <Button
              fullWidth
              variant="ghost"
              className="h-auto min-h-10 justify-start gap-2 rounded-lg px-2 text-left font-normal"
              aria-current={item.result !== null && item.result.photo.id === result?.photo.id}
              isDisabled={!item.result}
              onPress={() => item.result && act.show(item.result)}
            >
              <span className="min-w-0 flex-1 truncate">{item.file.name}</span>
              <span className="text-xs text-muted">{item.trouble?.title ?? WORDS[item.stage]}</span>
            </Button>
          </li>
        ))}
      </ul>
      <Button
        size="sm"
        fullWidth
        variant="secondary"
        className="mt-2"
        isDisabled={busy || parsed === 0 || ended < batch.length}
        onPress={() => void download()}
      >
        {busy ? "Wait …" : "All masks (zip)"}
      </Button>
    </section>
  );
}
