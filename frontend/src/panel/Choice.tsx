import { Button } from "@heroui/react/button";
import { lazy, Suspense, useState } from "react";
import { DownIcon } from "@/lib/icons";

export interface ChoiceProps {
  /** Said, and not shown. */
  label: string;
  options: readonly { value: string; label: string }[];
  value: string | null;
  onChange: (value: string) => void;
}

const load = () => import("./ChoiceList");

/** Without its list, as when the connection is lost, the page goes on with what is chosen. */
const ChoiceList = lazy(() => load().catch(() => ({ default: Closed })));

/** One of several, in a list that opens. The list is fetched when a person reaches for it. */
export function Choice(props: ChoiceProps) {
  const [opened, setOpened] = useState(false);
  const prefetch = () => void load().catch(() => undefined);
  const closed = <Closed {...props} onPress={() => setOpened(true)} onReach={prefetch} />;
  if (!opened) return closed;
  return (
    <Suspense fallback={closed}>
      <ChoiceList {...props} />
    </Suspense>
  );
}

interface ClosedProps extends ChoiceProps {
  onPress?: () => void;
  onReach?: () => void;
}

function Closed({ label, options, value, onPress, onReach }: ClosedProps) {
  const chosen = options.find((option) => option.value === value)?.label ?? "";
  return (
    <Button
      size="sm"
      variant="outline"
      aria-label={`${chosen} ${label}`}
      aria-haspopup="listbox"
      className="rounded-lg bg-field px-2.5 font-normal"
      onPress={onPress}
      onHoverStart={onReach}
      onFocus={onReach}
    >
      {chosen}
      <DownIcon />
    </Button>
  );
}
