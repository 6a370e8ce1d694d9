import { ToggleButton } from "@heroui/react/toggle-button";
import { ToggleButtonGroup } from "@heroui/react/toggle-button-group";
import type { ReactNode } from "react";

interface Segment<Value extends string> {
  value: Value;
  label: ReactNode;
  /** Said in place of the label. */
  spoken?: string;
}

interface Props<Value extends string> {
  /** Said, and not shown. */
  label: string;
  options: readonly Segment<Value>[];
  value: Value | null;
  onChange: (value: Value) => void;
  fullWidth?: boolean;
  className?: string;
}

const SEGMENT =
  "px-2.5 text-[13px] sm:px-3 data-[selected=true]:bg-accent data-[selected=true]:text-accent-foreground";

/** One of a few, side by side. */
export function Segments<Value extends string>({ label, options, value, onChange, ...look }: Props<Value>) {
  return (
    <ToggleButtonGroup
      {...look}
      aria-label={label}
      size="sm"
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={value === null ? [] : [value]}
      onSelectionChange={([next]) => next !== undefined && next !== value && onChange(next as Value)}
    >
      {options.map((option) => (
        <ToggleButton key={option.value} id={option.value} aria-label={option.spoken} className={SEGMENT}>
          {option.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
