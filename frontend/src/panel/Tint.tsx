import { Button } from "@heroui/react/button";
import { lazy, Suspense, useState, type ReactNode } from "react";

export interface TintProps {
  label: string;
  /** `#rrggbb` */
  color: string;
  swatch: ReactNode;
  /** Null: that of the palette. */
  onColor: (color: string | null) => void;
}

const load = () => import("./TintPicker");

/** Without it, as when the connection is lost, the page goes on with the colours it has. */
const TintPicker = lazy(() => load().catch(() => ({ default: Closed })));

/** A part's colour; pressing it opens a choice of others, which is fetched when a person reaches for it. */
export function Tint(props: Omit<TintProps, "swatch">) {
  const [opened, setOpened] = useState(false);
  const swatch = <Swatch color={props.color} />;
  const closed = (
    <Closed
      {...props}
      swatch={swatch}
      onPress={() => setOpened(true)}
      onReach={() => void load().catch(() => undefined)}
    />
  );
  if (!opened) return closed;
  return (
    <Suspense fallback={closed}>
      <TintPicker {...props} swatch={swatch} />
    </Suspense>
  );
}

interface ClosedProps extends TintProps {
  onPress?: () => void;
  onReach?: () => void;
}

function Closed({ label, swatch, onPress, onReach }: ClosedProps) {
  return (
    <Button
      isIconOnly
      size="sm"
      variant="ghost"
      aria-label={label}
      aria-haspopup="dialog"
      className="size-7 min-w-7 md:size-7"
      onPress={onPress}
      onHoverStart={onReach}
      onFocus={onReach}
    >
      {swatch}
    </Button>
  );
}

function Swatch({ color }: { color: string }) {
  return (
    <span
      aria-hidden
      className="own-color size-4 rounded ring-1 ring-foreground/25"
      style={{ background: color }}
    />
  );
}
