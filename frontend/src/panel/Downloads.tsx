import { useState } from "react";
import type { ModelDetail, Output, SegmentOptions } from "@/api/client";
import { downloadName } from "@/api/curl";
import { segment } from "@/api/segment";
import { trouble, TroubleError, type Trouble } from "@/api/trouble";
import { Button } from "@/controls/Button";
import { deviceFile } from "@/device/files";
import { DownloadIcon } from "@/lib/icons";
import { saveFile } from "@/lib/save-file";
import type { Result } from "@/studio/result";

export const DOWNLOADS: readonly { output: Output; label: string }[] = [
  { output: "mask", label: "Mask" },
  { output: "overlay", label: "Overlay" },
  { output: "classes", label: "Zip by part" },
  { output: "json", label: "JSON" },
];

interface Props {
  result: Result;
  /** The request whose answer a download is. */
  optionsFor: (output: Output) => SegmentOptions;
  apiKey: string;
  model: ModelDetail;
  hidden: ReadonlySet<number>;
  opacity: number;
  onTrouble: (trouble: Trouble, retry: () => void) => void;
}

/** Files of the result: the API's bytes as they come, or drawn here if the photo was parsed on the device. */
export function Downloads({ result, optionsFor, apiKey, model, hidden, opacity, onTrouble }: Props) {
  const [busy, setBusy] = useState<Output | null>(null);
  const download = async (output: Output) => {
    setBusy(output);
    try {
      const name = downloadName(result.photo.name, output);
      if (result.full) {
        const file = await deviceFile(output, { result, labels: result.full, model, hidden, opacity });
        saveFile(file, name.replace(/\.jpg$/, ".png"));
      } else {
        saveFile(await fetchOutput(result, optionsFor(output), apiKey), name);
      }
    } catch (error) {
      const told = error instanceof TroubleError ? error : trouble("page_failed", { detail: String(error) });
      onTrouble(told.trouble, () => void download(output));
    } finally {
      setBusy(null);
    }
  };

  return (
    <section aria-labelledby="downloads-title">
      <h2 id="downloads-title" className="mb-2 text-sm font-semibold">Download</h2>
      <div className="grid grid-cols-2 gap-2">
        {DOWNLOADS.map(({ output, label }) => (
          <Button key={output} size="sm" fullWidth variant="secondary" disabled={busy !== null} onClick={() => void download(output)}>
            <DownloadIcon />
            {busy === output ? "Wait …" : label}
          </Button>
        ))}
      </div>
      {hidden.size > 0 && <p className="mt-2 text-xs text-muted">Only the parts that are switched on.</p>}
    </section>
  );
}

/** The JSON that is already here, or a new answer. */
async function fetchOutput(result: Result, options: SegmentOptions, key: string): Promise<Blob> {
  if (options.output === "json" && options.classes === undefined && result.bytes) return result.bytes;
  return segment({ photo: result.photo.file, options, key });
}
