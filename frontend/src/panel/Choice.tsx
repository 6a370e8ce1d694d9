import { lazy, Suspense } from "react";

export interface ChoiceProps {
  /** Said, and not shown. */
  label: string;
  options: readonly { value: string; label: string }[];
  value: string | null;
  onChange: (value: string) => void;
}

/** Fetched when first shown; without it the page goes on with what is chosen. */
const ChoiceList = lazy(() => import("./ChoiceList").catch(() => ({ default: Chosen })));

/** One of several, in a list that opens. */
export function Choice(props: ChoiceProps) {
  return (
    <Suspense fallback={<Chosen {...props} />}>
      <ChoiceList {...props} />
    </Suspense>
  );
}

function Chosen({ options, value }: ChoiceProps) {
  return (
    <span className="min-h-8 rounded-lg border border-border py-1.5 ps-2.5 pe-7 text-xs">
      {options.find((option) => option.value === value)?.label}
    </span>
  );
}
