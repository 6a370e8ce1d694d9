import { useEffect, useState } from "react";
import type { Trouble } from "@/api/trouble";
import { Button } from "@/controls/Button";
import { AlertIcon } from "@/lib/icons";
import { ApiKeyField } from "@/panel/ApiKeyField";

interface Props {
  trouble: Trouble;
  onRetry: () => void;
  onKey: (key: string) => void;
  onChoose: () => void;
  onDismiss: () => void;
}

/** What went wrong, in words, and the way on. */
export function TroubleCard({ trouble, onRetry, onKey, onChoose, onDismiss }: Props) {
  const left = useCountdown(trouble);
  const { remedy } = trouble;
  return (
    <div role="alert" data-code={trouble.code} className={`alert ${remedy === "wait" ? "alert--warning" : "alert--danger"} border border-border shadow-lg`}>
      <div className="alert__indicator"><AlertIcon /></div>
      <div className="alert__content">
        <p className="alert__title">{trouble.title}</p>
        <p className="alert__description">{trouble.hint}</p>
        {trouble.detail && remedy !== "key" && <p className="mt-1 text-xs break-words text-muted">{trouble.detail}</p>}
        {trouble.code === "internal_error" && trouble.requestId && (
          <p className="mt-1 text-xs break-words text-muted">The service's log has it as {trouble.requestId}</p>
        )}
        {remedy === "key" && <ApiKeyField onKey={onKey} />}
        <div className="mt-3 flex gap-2">
          {(remedy === "retry" || remedy === "wait") && (
            <Button size="sm" disabled={left > 0} onClick={onRetry}>
              {left > 0 ? `Try again in ${left} s` : "Try again"}
            </Button>
          )}
          {remedy === "other-photo" && (
            <Button size="sm" onClick={onChoose}>Choose another photo</Button>
          )}
          <Button size="sm" variant="tertiary" onClick={onDismiss}>Close</Button>
        </div>
      </div>
    </div>
  );
}

/** Seconds until a trouble may be over. */
function useCountdown(trouble: Trouble): number {
  const [since, setSince] = useState({ trouble, seconds: 0 });
  useEffect(() => {
    setSince({ trouble, seconds: 0 });
    const timer = setInterval(() => setSince((now) => ({ ...now, seconds: now.seconds + 1 })), 1000);
    return () => clearInterval(timer);
  }, [trouble]);
  const seconds = since.trouble === trouble ? since.seconds : 0;
  return trouble.remedy === "wait" ? Math.max(0, (trouble.wait ?? 1) - seconds) : 0;
}
