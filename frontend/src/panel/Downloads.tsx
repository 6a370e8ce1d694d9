import { Button } from "@heroui/react/button";
import { useEffect, useState } from "react";
import type { Output } from "@/api/client";
import { trouble, TroubleError } from "@/api/trouble";
import { CopyIcon, DownloadIcon, ScissorsIcon } from "@/lib/icons";
import { laterDialog } from "@/lib/later";
import { saveFile } from "@/lib/save-file";
import { useStudio } from "@/state/studio-context";
import { unseen } from "@/state/shown";
import {
  cutOutOf,
  fileOf,
  isDrawnHere,
  loadDrawing,
  recolouredOf,
  type NamedFile,
  type Shown,
} from "./file-of";

const JsonDialog = laterDialog(() => import("./JsonDialog"));

export const DOWNLOADS: readonly { output: Output; label: string; short?: string }[] = [
  { output: "mask", label: "Mask" },
  { output: "overlay", label: "Overlay" },
  { output: "json", label: "JSON" },
  { output: "classes", label: "One mask per part (zip)", short: "Parts (zip)" },
];

/** What the result can be taken away as. */
export function Downloads(shown: Shown) {
  const { state, act } = useStudio();
  const [busy, setBusy] = useState<string | null>(null);
  const [told, setTold] = useState("");
  const [reading, setReading] = useState(false);
  const drawn = isDrawnHere(state, shown.result);
  const isDyed = Object.keys(state.dyes).length > 0;
  useEffect(() => {
    if (drawn) loadDrawing().catch(() => undefined); // while there is a connection; a click tries again
  }, [drawn]);

  const fail = (error: unknown, retry: () => void) => {
    const known = error instanceof TroubleError ? error : trouble("page_failed", { detail: String(error) });
    act.fail(known.trouble, retry);
  };
  const run = async (name: string, work: () => Promise<void>) => {
    setBusy(name);
    setTold("");
    try {
      await work();
    } catch (error) {
      fail(error, () => void run(name, work));
    } finally {
      setBusy(null);
    }
  };
  const save = (name: string, make: () => Promise<NamedFile>) =>
    run(name, async () => {
      const { blob, name: fileName } = await make();
      saveFile(blob, fileName);
    });
  const copy = (name: string, make: () => Promise<NamedFile>) =>
    run(name, async () => {
      if (!("clipboard" in navigator && "ClipboardItem" in window)) throw trouble("no_clipboard");
      const png = make().then(({ blob }) => blob); // a promise: Safari wants it asked for within the click
      await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
      setTold("Copied");
    });
  const file = (output: Output) => act.take((chosen) => fileOf(output, { ...state, ...chosen }, shown));
  const cutOut = () => cutOutOf(state, shown);
  const recoloured = () => recolouredOf(state, shown);

  return (
    <section aria-labelledby="downloads-title" className="flex flex-col gap-2">
      <h2 id="downloads-title" className="text-[15px] font-semibold">
        Export
      </h2>
      <Pair
        name="cut-out"
        label="Cut-out"
        busy={busy}
        primary
        onSave={() => void save("cut-out", cutOut)}
        onCopy={() => void copy("cut-out", cutOut)}
      />
      {isDyed && (
        <Pair
          name="recoloured"
          label="Recoloured photo"
          busy={busy}
          onSave={() => void save("recoloured", recoloured)}
          onCopy={() => void copy("recoloured", recoloured)}
        />
      )}
      <div className="grid grid-cols-3 gap-2">
        {DOWNLOADS.map(({ output, label }) => (
          <Button
            key={output}
            size="sm"
            fullWidth
            variant="secondary"
            className={`px-2 ${output === "classes" ? "col-span-3" : ""}`}
            isDisabled={busy !== null}
            onPress={() => void save(output, () => file(output))}
          >
            <DownloadIcon />
            {busy === output ? "Wait …" : label}
          </Button>
        ))}
      </div>
      <Button
        size="sm"
        variant="ghost"
        className="self-start px-2 text-[13px] font-normal"
        onPress={() => setReading(true)}
      >
        Read the JSON
      </Button>
      <p role="status" className={told ? "text-[13px] text-muted" : "sr-only"}>
        {told}
      </p>
      {unseen(state, shown.model.classes).size > 0 && (
        <p className="text-[13px] text-muted">Only the parts that are shown.</p>
      )}
      {reading && (
        <JsonDialog
          read={async () => (await file("json")).blob}
          onFailed={(error) => {
            setReading(false);
            fail(error, () => setReading(true));
          }}
          onClose={() => setReading(false)}
        />
      )}
    </section>
  );
}

interface PairProps {
  name: string;
  label: string;
  busy: string | null;
  primary?: boolean;
  onSave: () => void;
  onCopy: () => void;
}

/** A picture to be saved or copied. */
function Pair({ name, label, busy, primary = false, onSave, onCopy }: PairProps) {
  return (
    <div className="flex gap-2">
      <Button
        fullWidth
        variant={primary ? "primary" : "secondary"}
        isDisabled={busy !== null}
        onPress={onSave}
      >
        {primary ? <ScissorsIcon /> : <DownloadIcon />}
        {busy === name ? "Wait …" : label}
      </Button>
      <Button
        isIconOnly
        variant="secondary"
        aria-label={`Copy the ${label.toLowerCase()}`}
        isDisabled={busy !== null}
        onPress={onCopy}
      >
        <CopyIcon />
      </Button>
    </div>
  );
}
