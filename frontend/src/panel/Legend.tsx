import { Button } from "@heroui/react/button";
import { ToggleButton } from "@heroui/react/toggle-button";
import { useCallback, useDeferredValue, useMemo, useState } from "react";
import type { ClassRow } from "@/api/client";
import { tintOf } from "@/labels/tints";
import { figuresOf, type PartFigures } from "@/state/face-labels";
import { useStudio } from "@/state/studio-context";
import { LegendRow, type Unit } from "./LegendRow";
import { Placeholder } from "./Placeholder";

const NONE: ReadonlyMap<number, PartFigures> = new Map();

/** The parts: shown or not, their colour, name, share and confidence. */
export function Legend({ classes }: { classes: readonly ClassRow[] }) {
  const { state, act } = useStudio();
  const { face, hidden, solo, style, tints } = state;
  const result = useDeferredValue(state.result); // the stage comes first
  const [unit, setUnit] = useState<Unit>("share");
  const figures = useMemo(() => (result ? figuresOf(result, face) : NONE), [result, face]);
  const confidences = new Map(result?.classes.map(({ id, confidence }) => [id, confidence]));
  const toggle = useCallback(
    (id: number) => {
      const next = new Set(hidden);
      if (!next.delete(id)) next.add(id);
      act.hide(next);
      act.highlight(null); // what is switched off goes at once, the pointer still on it
    },
    [act, hidden],
  );
  const painted = classes.filter(({ id }) => id !== 0);
  const isDataset = style.palette === "dataset";
  const hasFaces = classes.some(({ role }) => role === "face");
  const isOfSeveral = face === null && (result?.faces.length ?? 1) > 1;
  const whole = !hasFaces ? "all parts" : isOfSeveral ? "faces" : "face";
  return (
    <section aria-labelledby="legend-title">
      <div className="mb-1 flex items-center gap-1">
        <h2 id="legend-title" className="flex-1 text-[15px] font-semibold">
          Parts
        </h2>
        <TextButton onPress={() => act.hide(new Set())}>All</TextButton>
        <TextButton onPress={() => act.hide(new Set(painted.map(({ id }) => id)))}>None</TextButton>
      </div>
      <div className="flex items-center justify-end gap-1 pr-2 text-[13px] pointer-coarse:pr-0 text-muted">
        <TextButton
          label={unit === "share" ? "Show pixels" : "Show shares"}
          onPress={() => setUnit(unit === "share" ? "pixels" : "share")}
        >
          {unit === "pixels" ? "Pixels ⇄" : `Share of ${whole} ⇄`}
        </TextButton>
        <span aria-hidden>Confidence</span>
      </div>
      <ul onPointerLeave={() => act.highlight(null)}>
        {painted.map((row) => (
          <LegendRow
            key={row.id}
            row={row}
            color={tintOf(row, style.palette, tints)}
            figures={figures.get(row.id)}
            confidence={figures.has(row.id) ? (confidences.get(row.id) ?? null) : null}
            whole={hasFaces ? "the face" : whole}
            unit={unit}
            isShown={solo === null ? !hidden.has(row.id) : solo === row.id}
            isAlone={solo === row.id}
            isHighlighted={(state.highlighted ?? state.pointed) === row.id}
            isMissing={result !== null && !figures.has(row.id)}
            isAwaited={!result && (state.progress !== null || state.result !== null)}
            onToggle={toggle}
            act={act}
          />
        ))}
      </ul>
      <div className="mt-2 flex flex-wrap items-center gap-x-3 gap-y-1">
        <ToggleButton
          size="sm"
          className="text-[13px] font-normal"
          isSelected={isDataset}
          onChange={() => act.restyle({ palette: isDataset ? "looking" : "dataset" })}
        >
          The data set&apos;s colours
        </ToggleButton>
        {hasFaces && (
          <p className="text-[13px] text-muted">Left and right are yours as you look at the photo.</p>
        )}
      </div>
    </section>
  );
}

interface TextButtonProps {
  /** Said in place of what is written. */
  label?: string;
  onPress: () => void;
  children: string;
}

function TextButton({ label, onPress, children }: TextButtonProps) {
  return (
    <Button
      size="sm"
      variant="ghost"
      aria-label={label && `${children.replace(" ⇄", "")}: ${label}`}
      className="h-7 min-w-7 rounded-lg px-2 text-[13px] font-normal text-muted md:h-7"
      onPress={onPress}
    >
      {children}
    </Button>
  );
}

/** Holds the legend's place until the class table is there. */
export function LegendSkeleton() {
  return (
    <div aria-hidden className="flex flex-col gap-2 pt-14">
      {Array.from({ length: 10 }, (_, index) => (
        <Placeholder key={index} still className="h-6" />
      ))}
    </div>
  );
}
