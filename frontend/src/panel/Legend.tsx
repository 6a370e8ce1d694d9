import type { ClassRow } from "@/api/client";
import { className, formatShare } from "@/lib/format";
import type { FoundClass } from "@/studio/result";
import { Placeholder } from "./Placeholder";

interface Props {
  classes: readonly ClassRow[];
  /** Null before there is a result. */
  found: readonly FoundClass[] | null;
  /** Whether a result is on its way. */
  busy: boolean;
  hidden: ReadonlySet<number>;
  onHidden: (hidden: Set<number>) => void;
  highlighted: number | null;
  onHighlight: (id: number | null) => void;
}

/** The classes: colour, name, share, confidence; each can be switched off and made to stand out. */
export function Legend({ classes, found, busy, hidden, onHidden, highlighted, onHighlight }: Props) {
  const painted = classes.filter(({ id }) => id !== 0);
  const toggle = (id: number) => {
    const next = new Set(hidden);
    if (!next.delete(id)) next.add(id);
    onHidden(next);
    onHighlight(null); // what is switched off goes at once, the pointer still on it
  };
  return (
    <section aria-labelledby="legend-title">
      <div className="mb-1 flex items-center gap-3">
        <h2 id="legend-title" className="flex-1 text-sm font-semibold">Parts</h2>
        <LinkButton onClick={() => onHidden(new Set())}>All</LinkButton>
        <LinkButton onClick={() => onHidden(new Set(painted.map(({ id }) => id)))}>None</LinkButton>
      </div>
      <div aria-hidden className="grid grid-cols-[1fr_3.5rem_3.5rem] pb-0.5 pr-2 text-right text-xs text-muted">
        <span />
        <span>Share</span>
        <span>Sure</span>
      </div>
      <ul onPointerLeave={() => onHighlight(null)}>
        {painted.map((row) => (
          <Row
            key={row.id}
            row={row}
            found={found?.find(({ id }) => id === row.id) ?? null}
            parsed={found !== null}
            awaited={busy && found === null}
            shown={!hidden.has(row.id)}
            onToggle={() => toggle(row.id)}
            highlighted={highlighted === row.id}
            onHighlight={onHighlight}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  row: ClassRow;
  found: FoundClass | null;
  parsed: boolean;
  awaited: boolean;
  shown: boolean;
  onToggle: () => void;
  highlighted: boolean;
  onHighlight: (id: number | null) => void;
}

function Row({ row, found, parsed, awaited, shown, onToggle, highlighted, onHighlight }: RowProps) {
  const [red, green, blue] = row.color;
  return (
    <li
      data-class-id={row.id}
      className={`rounded-lg ${highlighted ? "bg-default" : ""} ${parsed && !found ? "opacity-60" : ""}`}
      onPointerEnter={() => onHighlight(row.id)}
    >
      <label className="grid cursor-pointer grid-cols-[1fr_3.5rem_3.5rem] items-center py-1 pl-2 pr-2 text-sm">
        <span className="flex min-w-0 items-center gap-2.5">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={shown}
            onChange={onToggle}
            onFocus={(event) => event.target.matches(":focus-visible") && onHighlight(row.id)}
            onBlur={() => onHighlight(null)}
          />
          <span aria-hidden className="size-3.5 shrink-0 rounded ring-1 ring-foreground/25" style={{ background: `rgb(${red} ${green} ${blue})` }} />
          <span className="truncate">{className(row.name)}</span>
        </span>
        <span className="text-right tabular-nums">
          <Spoken words="share" />
          {awaited ? <Placeholder className="ml-auto h-3.5 w-9" /> : found ? formatShare(found.share) : "–"}
        </span>
        <span className="text-right tabular-nums text-muted">
          <Spoken words="confidence" />
          {awaited ? <Placeholder className="ml-auto h-3.5 w-9" /> : found?.confidence != null ? `${Math.round(100 * found.confidence)} %` : "–"}
        </span>
      </label>
    </li>
  );
}

function Spoken({ words }: { words: string }) {
  return <span className="sr-only">, {words} </span>;
}

function LinkButton({ onClick, children }: { onClick: () => void; children: string }) {
  return (
    <button type="button" className="min-h-6 min-w-6 cursor-pointer rounded text-xs text-muted underline-offset-2 hover:text-foreground hover:underline focus-visible:outline-2 focus-visible:outline-focus" onClick={onClick}>
      {children}
    </button>
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
