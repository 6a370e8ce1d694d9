import { Button } from "@heroui/react/button";
import { useEffect, useState } from "react";
import type { ModelDetail, Output } from "@/api/client";
import { downloadName } from "@/api/curl";
import { segment } from "@/api/segment";
import { trouble, TroubleError } from "@/api/trouble";
import { DownloadIcon } from "@/lib/icons";
import { saveFile } from "@/lib/save-file";
import { fullLabels, type Result } from "@/results/result";
import { optionsOf } from "@/state/request-options";
import type { StudioState } from "@/state/state";
import { useStudio } from "@/state/studio-context";

export const DOWNLOADS: readonly { output: Output; label: string }[] = [
  { output: "mask", label: "Mask" },
  { output: "overlay", label: "Overlay" },
  { output: "classes", label: "Zip by part" },
  { output: "json", label: "JSON" },
];

interface Props {
  result: Result;
  model: ModelDetail;
}

/** What draws files here; most visitors never need it. */
const loadDrawing = () => import("@/device/files");

/** Files of the result: the API's bytes as they come, or drawn here where nothing may be sent. */
export function Downloads({ result, model }: Props) {
  const { state, act } = useStudio();
  const [busy, setBusy] = useState<Output | null>(null);
  const drawn = isDrawnHere(state, result);
  useEffect(() => {
    if (drawn) loadDrawing().catch(() => undefined); // while there is a connection; a click tries again
  }, [drawn]);
  const download = async (output: Output) => {
    setBusy(output);
    try {
      const { blob, name } = await fileOf(output, state, { result, model });
      saveFile(blob, name);
    } catch (error) {
      const told = error instanceof TroubleError ? error : trouble("page_failed", { detail: String(error) });
      act.fail(told.trouble, () => void download(output));
    } finally {
      setBusy(null);
    }
  };

  return (
    <section aria-labelledby="downloads-title">
      <h2 id="downloads-title" className="mb-2 text-sm font-semibold">
        Download
      </h2>
      <div className="grid grid-cols-2 gap-2">
        {DOWNLOADS.map(({ output, label }) => (
          <Button
            key={output}
            size="sm"
            fullWidth
            variant="secondary"
            isDisabled={busy !== null}
            onPress={() => void download(output)}
          >
            <DownloadIcon />
            {busy === output ? "Wait …" : label}
          </Button>
        ))}
      </div>
      {state.hidden.size > 0 && (
        <p className="mt-2 text-xs text-muted">Only the parts that are switched on.</p>
      )}
    </section>
  );
}

/** What was parsed here or is a part of a photo, and while photos are to stay here also what is neither. */
function isDrawnHere({ where }: StudioState, { task }: Result): boolean {
  return where === "device" || task.where === "device" || task.part !== null;
}

async function fileOf(output: Output, state: StudioState, { result, model }: Props) {
  const name = downloadName(result.photo.name, output);
  const { hidden, opacity, apiKey: key } = state;
  const options = optionsOf(state, result, model, output);
  if (isDrawnHere(state, result)) {
    const { deviceFile } = await loadDrawing();
    const drawn = { result, labels: await fullLabels(result), model, hidden, opacity };
    return { blob: await deviceFile(output, drawn), name: name.replace(/\.jpg$/, ".png") };
  }
  return { blob: await segment({ photo: result.photo.file, options, key }), name };
}
