import { Button } from "@heroui/react/button";
import { useRef, useState } from "react";
import { absoluteUrl, type ModelDetail, type Output } from "@/api/client";
import { codeFor, LANGUAGES, type Language } from "@/api/code";
import { CopyIcon } from "@/lib/icons";
import { Segments } from "@/lib/Segments";
import type { Result } from "@/results/result";
import { optionsOf } from "@/state/request-options";
import { useStudio } from "@/state/studio-context";
import { DOWNLOADS } from "./Downloads";

/** The same request in the shell or in a program, for each kind of answer. */
export function Code({ result, model }: { result: Result; model: ModelDetail }) {
  const { state } = useStudio();
  const [language, setLanguage] = useState<Language>("curl");
  const [output, setOutput] = useState<Output>("json");
  const withKey = state.apiKey !== "";
  const options = optionsOf(state, result, model, output);
  const sent = { url: absoluteUrl("/api/segment/"), photoName: result.photo.name, options, withKey };
  const text = useRef<HTMLPreElement>(null);
  return (
    <section aria-labelledby="code-title">
      <div className="mb-2 flex items-center">
        <h2 id="code-title" className="flex-1 text-[15px] font-semibold">
          Get this with code
        </h2>
        <CopyButton text={text} />
      </div>
      <div className="mb-2 flex flex-wrap items-center gap-2">
        <Segments
          label="Language"
          options={LANGUAGES.map((each) => ({ value: each, label: each }))}
          value={language}
          onChange={setLanguage}
        />
        <Segments
          label="Answer of the code"
          options={DOWNLOADS.map((each) => ({ value: each.output, label: each.short ?? each.label }))}
          value={output}
          onChange={setOutput}
        />
      </div>
      <pre
        ref={text}
        tabIndex={0}
        aria-label={`Code: ${language}`}
        data-testid="code"
        className={[
          "max-h-72 overflow-auto rounded-lg bg-default p-3 text-[13px] leading-relaxed",
          language === "curl" ? "break-all whitespace-pre-wrap" : "",
        ].join(" ")}
      >
        {codeFor(language, sent)}
      </pre>
      {withKey && (
        <p className="mt-2 text-[13px] text-muted">
          It takes the key from the environment: <code>API_KEY=…</code>
        </p>
      )}
    </section>
  );
}

function CopyButton({ text }: { text: React.RefObject<HTMLElement | null> }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text.current!.textContent);
    } catch {
      // only secure pages may write there; what is selected can be copied by keyboard
      getSelection()?.selectAllChildren(text.current!);
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <Button
      isIconOnly
      size="sm"
      variant="tertiary"
      aria-label={copied ? "Copied" : "Copy the code"}
      onPress={() => void copy()}
    >
      {copied ? "✓" : <CopyIcon />}
    </Button>
  );
}
