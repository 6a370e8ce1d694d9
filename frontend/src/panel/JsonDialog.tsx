import { useEffect, useEffectEvent, useState } from "react";
import { Dialog } from "@/lib/Dialog";

interface Props {
  /** Reads the JSON, as it is downloaded. */
  read: () => Promise<Blob>;
  onFailed: (error: unknown) => void;
  onClose: () => void;
}

/** Longer texts, which are run lengths, are shown by their beginnings. */
const MOST_SHOWN = 60;

/** The answer itself, to be read. */
export default function JsonDialog({ read, onFailed, onClose }: Props) {
  const [text, setText] = useState<string | null>(null);
  const start = useEffectEvent(() =>
    read().then(
      async (blob) => setText(readable(await blob.text())),
      (error: unknown) => onFailed(error),
    ),
  );
  useEffect(() => void start(), []);
  return (
    <Dialog title="The JSON" onClose={onClose}>
      <pre
        data-testid="json"
        tabIndex={0}
        className="text-[13px] leading-relaxed break-all whitespace-pre-wrap"
      >
        {text ?? "Reading …"}
      </pre>
    </Dialog>
  );
}

export function readable(json: string): string {
  const shortened = (_: string, value: unknown) =>
    typeof value === "string" && value.length > MOST_SHOWN
      ? `${value.slice(0, MOST_SHOWN)}… (${value.length} characters)`
      : value;
  return JSON.stringify(JSON.parse(json), shortened, 2);
}
