import { Button } from "@heroui/react/button";
import { Checkbox } from "@heroui/react/checkbox";
import type { ReactNode } from "react";
import type { ClassRow } from "@/api/client";
import { className, formatShare } from "@/lib/format";
import { useStudio } from "@/state/studio-context";
import { Placeholder } from "./Placeholder";

const COLUMNS = "grid grid-cols-[1fr_3.5rem_3.5rem]";

/** The classes: colour, name, share, confidence; each can be switched off and made to stand out. */
export function Legend({ classes }: { classes: readonly ClassRow[] }) {
  const { act } = useStudio();
  const painted = classes.filter(({ id }) => id !== 0);
  return (
    <section aria-labelledby="legend-title">
      <div className="mb-1 flex items-center gap-3">
        <h2 id="legend-title" className="flex-1 text-sm font-semibold">
          Parts
        </h2>
        <TextButton onPress={() => act.hide(new Set())}>All</TextButton>
        <TextButton onPress={() => act.hide(new Set(painted.map(({ id }) => id)))}>None</TextButton>
      </div>
      <div aria-hidden className={`${COLUMNS} pr-2 pb-0.5 text-right text-xs text-muted`}>
        <span />
        <span>Share</span>
        <span>Sure</span>
      </div>
      <ul onPointerLeave={() => act.highlight(null)}>
        {painted.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </ul>
    </section>
  );
}

function Row({ row }: { row: ClassRow }) {
  const { state, act } = useStudio();
  const { result, hidden } = state;
  const found = result?.classes.find(({ id }) => id === row.id);
  const isAwaited = state.progress !== null && !result;
  const isHighlighted = (state.highlighted ?? state.pointed) === row.id;
  const toggle = () => {
    const next = new Set(hidden);
    if (!next.delete(row.id)) next.add(row.id);
    act.hide(next);
    act.highlight(null); // what is switched off goes at once, the pointer still on it
  };
  return (
    <li
      data-class-id={row.id}
      className={`rounded-lg ${isHighlighted ? "bg-default" : ""} ${result && !found ? "opacity-60" : ""}`}
      onPointerEnter={() => act.highlight(row.id)}
      onKeyUp={({ key }) => key === "Tab" && act.highlight(row.id)}
      onBlur={() => act.highlight(null)}
    >
      <Checkbox className="block" isSelected={!hidden.has(row.id)} onChange={toggle}>
        <Checkbox.Content className={`${COLUMNS} w-full items-center gap-0 px-2 py-1 font-normal`}>
          <span className="flex min-w-0 items-center gap-2.5">
            <Checkbox.Control>
              <Checkbox.Indicator />
            </Checkbox.Control>
            <Swatch color={row.color} />
            <span className="truncate">{className(row.name)}</span>
          </span>
          <Figure of="share" isAwaited={isAwaited}>
            {found ? formatShare(found.share) : "–"}
          </Figure>
          <Figure of="confidence" isAwaited={isAwaited} className="text-muted">
            {found?.confidence == null ? "–" : `${Math.round(100 * found.confidence)} %`}
          </Figure>
        </Checkbox.Content>
      </Checkbox>
    </li>
  );
}

function Swatch({ color: [red, green, blue] }: { color: readonly number[] }) {
  return (
    <span
      aria-hidden
      className="size-3.5 shrink-0 rounded ring-1 ring-foreground/25"
      style={{ background: `rgb(${red} ${green} ${blue})` }}
    />
  );
}

interface FigureProps {
  /** Said before it. */
  of: string;
  isAwaited: boolean;
  className?: string;
  children: ReactNode;
}

function Figure({ of, isAwaited, className = "", children }: FigureProps) {
  return (
    <span className={`text-right tabular-nums ${className}`}>
      <span className="sr-only">, {of} </span>
      {isAwaited ? <Placeholder className="ml-auto h-3.5 w-9" /> : children}
    </span>
  );
}

function TextButton({ onPress, children }: { onPress: () => void; children: string }) {
  return (
    <Button
      size="sm"
      variant="ghost"
      className="h-6 min-w-6 rounded-lg px-1.5 text-xs font-normal text-muted md:h-6"
      onPress={onPress}
    >
      {children}
    </Button>
  );
}

/** Holds the legend's place until the class table is there. */
export function LegendSkeleton() {
  return (
    <div aria-hidden className="flex flex-col gap-2 pt-11">
      {Array.from({ length: 10 }, (_, index) => (
        <Placeholder key={index} still className="h-5" />
      ))}
    </div>
  );
}
