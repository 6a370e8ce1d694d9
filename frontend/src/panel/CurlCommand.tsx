import { Button } from "@heroui/react/button";
import { useRef, useState } from "react";
import { absoluteUrl, type ModelDetail, type Output } from "@/api/client";
import { curlCommand } from "@/api/curl";
import { CopyIcon } from "@/lib/icons";
import type { Result } from "@/results/result";
import { optionsOf } from "@/state/request-options";
import { useStudio } from "@/state/studio-context";
import { Choice } from "./Choice";
import { DOWNLOADS } from "./Downloads";

/** The same request for the shell, for each kind of answer. */
export function CurlCommand({ result, model }: { result: Result; model: ModelDetail }) {
  const { state } = useStudio();
  const [output, setOutput] = useState<Output>("json");
  const [copied, setCopied] = useState(false);
  const withKey = state.apiKey !== "";
  const options = optionsOf(state, result, model, output);
  const command = curlCommand(absoluteUrl("/api/segment/"), result.photo.name, options, withKey);

  const text = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
    } catch {
      // only secure pages may write there; what is selected can be copied by keyboard
      getSelection()?.selectAllChildren(text.current!);
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <section aria-labelledby="curl-title">
      <div className="mb-2 flex items-center gap-2">
        <h2 id="curl-title" className="flex-1 text-sm font-semibold">
          The same by curl
        </h2>
        <Choice
          label="Answer of the curl command"
          options={DOWNLOADS.map((each) => ({ value: each.output, label: each.label }))}
          value={output}
          onChange={(value) => setOutput(value as Output)}
        />
        <Button
          isIconOnly
          size="sm"
          variant="tertiary"
          aria-label={copied ? "Copied" : "Copy the curl command"}
          onPress={() => void copy()}
        >
          {copied ? "✓" : <CopyIcon />}
        </Button>
      </div>
      <pre
        ref={text}
        tabIndex={0}
        aria-label="curl command"
        data-testid="curl"
        className="rounded-lg bg-default p-3 text-xs leading-relaxed break-all whitespace-pre-wrap"
      >
        {command}
      </pre>
      {withKey && (
        <p className="mt-2 text-xs text-muted">
          Your shell has to know the key: <code>API_KEY=…</code>
        </p>
      )}
    </section>
  );
}
