import { Alert } from "@heroui/react/alert";
import { Button } from "@heroui/react/button";
import { lazy, Suspense, useEffect, useState, type ReactNode } from "react";
import type { Trouble } from "@/api/trouble";
import { AlertIcon } from "@/lib/icons";

/** HeroUI's text field brings lists and menus along, which few visitors need. */
const ApiKeyField = lazy(() => import("./ApiKeyField").catch(() => ({ default: NoField })));

interface Props {
  trouble: Trouble;
  /** The photo it happened to, if that is not the one on the stage. */
  photoName?: string;
  onRetry: () => void;
  onKey: (key: string) => void;
  onChoose: () => void;
  onDismiss: () => void;
}

/** What went wrong, in words, and what to do about it. */
export function TroubleCard({ trouble, photoName, onRetry, onKey, onChoose, onDismiss }: Props) {
  const left = useCountdown(trouble);
  const { remedy } = trouble;
  return (
    <Alert
      role="alert"
      data-code={trouble.code}
      status={remedy === "wait" ? "warning" : "danger"}
      className="border border-border shadow-lg"
    >
      <Alert.Indicator>
        <AlertIcon />
      </Alert.Indicator>
      <Alert.Content>
        <Alert.Title>{trouble.title}</Alert.Title>
        <Alert.Description>{trouble.hint}</Alert.Description>
        {photoName && <Small>{photoName}</Small>}
        {trouble.detail && remedy !== "key" && <Small>{trouble.detail}</Small>}
        {trouble.code === "internal_error" && trouble.requestId && (
          <Small>The service&apos;s log has it as {trouble.requestId}</Small>
        )}
        {remedy === "key" && (
          <Suspense fallback={<div className="mt-3 h-16" />}>
            <ApiKeyField onKey={onKey} />
          </Suspense>
        )}
        <div className="mt-3 flex gap-2">
          {(remedy === "retry" || remedy === "wait") && (
            <Button size="sm" isDisabled={left > 0} onPress={onRetry}>
              {left > 0 ? `Try again in ${left} s` : "Try again"}
            </Button>
          )}
          {remedy === "other-photo" && (
            <Button size="sm" onPress={onChoose}>
              Choose another photo
            </Button>
          )}
          <Button size="sm" variant="tertiary" onPress={onDismiss}>
            Close
          </Button>
        </div>
      </Alert.Content>
    </Alert>
  );
}

function NoField() {
  return <Small>The field for it could not be fetched. Reload the page.</Small>;
}

function Small({ children }: { children: ReactNode }) {
  return <p className="mt-1 text-xs break-words text-muted">{children}</p>;
}

/** Seconds until a trouble may be over. */
function useCountdown(trouble: Trouble): number {
  const [since, setSince] = useState({ trouble, seconds: 0 });
  useEffect(() => {
    const count = () =>
      setSince((now) => ({ trouble, seconds: now.trouble === trouble ? now.seconds + 1 : 1 }));
    const timer = setInterval(count, 1000);
    return () => clearInterval(timer);
  }, [trouble]);
  const seconds = since.trouble === trouble ? since.seconds : 0;
  return trouble.remedy === "wait" ? Math.max(0, (trouble.wait ?? 1) - seconds) : 0;
}
