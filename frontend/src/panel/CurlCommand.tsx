import { useRef, useState } from "react";
import { absoluteUrl, type Output, type SegmentOptions } from "@/api/client";
import { curlCommand } from "@/api/curl";
import { Button } from "@/controls/Button";
import { CopyIcon } from "@/lib/icons";
import { DOWNLOADS } from "./Downloads";

interface Props {
  photoName: string;
  optionsFor: (output: Output) => SegmentOptions;
  withKey: boolean;
}

/** The same request for the shell, for each kind of answer. */
export function CurlCommand({ photoName, optionsFor, withKey }: Props) {
  const [output, setOutput] = useState<Output>("json");
  const [copied, setCopied] = useState(false);
  const command = curlCommand(absoluteUrl("/api/segment/"), photoName, optionsFor(output), withKey);

  const text = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
    } catch {
      getSelection()?.selectAllChildren(text.current!); // only secure pages may write there; the keyboard always can
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <section aria-labelledby="curl-title">
      <div className="mb-2 flex items-center gap-2">
        <h2 id="curl-title" className="flex-1 text-sm font-semibold">The same by curl</h2>
        <select
          aria-label="Answer of the curl command"
          className="rounded-md border border-border bg-surface px-1.5 py-1 text-xs"
          value={output}
          onChange={(event) => setOutput(event.target.value as Output)}
        >
          {DOWNLOADS.map((each) => (
            <option key={each.output} value={each.output}>{each.label}</option>
          ))}
        </select>
        <Button isIconOnly size="sm" variant="tertiary" aria-label={copied ? "Copied" : "Copy the curl command"} onClick={() => void copy()}>
          {copied ? "✓" : <CopyIcon />}
        </Button>
      </div>
      <pre ref={text} tabIndex={0} aria-label="curl command" data-testid="curl" className="rounded-lg bg-default p-3 text-xs leading-relaxed break-all whitespace-pre-wrap">
        {command}
      </pre>
      {withKey && <p className="mt-2 text-xs text-muted">Your shell has to know the key: <code>API_KEY=…</code></p>}
    </section>
  );
}
