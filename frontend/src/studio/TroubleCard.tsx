import { Alert, Button } from "@heroui/react";
import { useEffect, useState } from "react";
import type { Trouble } from "@/api/trouble";
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
    <Alert role="alert" status={remedy === "wait" ? "warning" : "danger"} data-code={trouble.code} className="border border-border shadow-lg">
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>{trouble.title}</Alert.Title>
        <Alert.Description>{trouble.hint}</Alert.Description>
        {trouble.detail && remedy !== "key" && <p className="mt-1 text-xs break-words text-muted">{trouble.detail}</p>}
        {trouble.code === "internal_error" && trouble.requestId && (
          <p className="mt-1 text-xs break-words text-muted">The service's log has it as {trouble.requestId}</p>
        )}
        {remedy === "key" && <ApiKeyField onKey={onKey} />}
        <div className="mt-3 flex gap-2">
          {(remedy === "retry" || remedy === "wait") && (
            <Button size="sm" isDisabled={left > 0} onPress={onRetry}>
              {left > 0 ? `Try again in ${left} s` : "Try again"}
            </Button>
          )}
          {remedy === "other-photo" && (
            <Button size="sm" onPress={onChoose}>Choose another photo</Button>
          )}
          <Button size="sm" variant="tertiary" onPress={onDismiss}>Close</Button>
        </div>
      </Alert.Content>
    </Alert>
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
