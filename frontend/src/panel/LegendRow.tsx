import { Checkbox } from "@heroui/react/checkbox";
import { ToggleButton } from "@heroui/react/toggle-button";
import { memo } from "react";
import type { ClassRow } from "@/api/client";
import { className, formatCount, formatShare } from "@/lib/format";
import type { PartFigures } from "@/state/face-labels";
import type { Acts } from "@/state/use-acts";
import { Placeholder } from "./Placeholder";
import { Tint } from "./Tint";

const COLUMNS = [
  "grid grid-cols-[1.5rem_1.75rem_minmax(0,1fr)_auto_3.5rem] items-center",
  "pointer-coarse:grid-cols-[2rem_2.75rem_minmax(0,1fr)_auto_2.75rem]",
].join(" ");

/** In which a part's size is told. */
export type Unit = "share" | "pixels";

/** A finger's 44 pixels begin in the panel's margin. */
const BOX = "grid h-8 place-items-center pointer-coarse:-ml-3 pointer-coarse:size-11";
const NAME = [
  "h-8 w-full min-w-0 justify-start rounded-lg bg-transparent px-1.5 text-[15px] font-normal md:h-8",
  "data-[selected=true]:font-semibold",
].join(" ");

interface Props {
  row: ClassRow;
  /** `#rrggbb` */
  color: string;
  /** Undefined where the part was not found. */
  figures: PartFigures | undefined;
  confidence: number | null;
  /** What the share is of. */
  whole: string;
  unit: Unit;
  isShown: boolean;
  /** Shown alone. */
  isAlone: boolean;
  isHighlighted: boolean;
  /** There is a result, and the part is not in it. */
  isMissing: boolean;
  /** A first result is being computed. */
  isAwaited: boolean;
  onToggle: (id: number) => void;
  act: Acts;
}

/**
 * A part: whether it is shown, its colour, its name, which keeps it alone, and its figures. Rendered again
 * when these change: ten rows of controls at every change of the page would hold up the stage.
 */
export const LegendRow = memo(function LegendRow(props: Props) {
  const { row, color, figures, confidence, whole, unit, isAlone, isAwaited, act } = props;
  const name = className(row.name);
  const certainty = confidence === null ? "–" : percent(confidence);
  return (
    <li
      data-class-id={row.id}
      className={[
        `${COLUMNS} rounded-lg pr-2 pointer-coarse:pr-0`,
        props.isHighlighted ? "bg-default" : "",
        props.isMissing ? "opacity-60" : "",
      ].join(" ")}
      onPointerEnter={() => act.highlight(row.id)}
      onKeyUp={({ key }) => key === "Tab" && act.highlight(row.id)}
      onBlur={() => act.highlight(null)}
    >
      <Checkbox
        aria-label={`${name}, ${spoken(figures, whole)}, confidence ${certainty}`}
        isSelected={props.isShown}
        onChange={() => props.onToggle(row.id)}
      >
        <Checkbox.Content className={BOX}>
          <Checkbox.Control>
            <Checkbox.Indicator />
          </Checkbox.Control>
        </Checkbox.Content>
      </Checkbox>
      <Tint
        label={`Colour of ${name.toLowerCase()}`}
        color={color}
        onColor={(color) => act.tint(row.name, color)}
      />
      <ToggleButton
        size="sm"
        className={NAME}
        aria-label={`${name} alone`}
        isSelected={isAlone}
        onChange={(on) => act.keep(on ? row.id : null)}
      >
        <span className="truncate">{name}</span>
      </ToggleButton>
      <span aria-hidden className="text-right text-[15px] tabular-nums">
        {isAwaited ? <Placeholder className="ml-auto h-3.5 w-9" /> : written(figures, unit)}
      </span>
      {isAwaited ? <Placeholder className="ml-auto h-3.5 w-9" /> : <Confidence value={confidence} />}
    </li>
  );
});

function written(figures: PartFigures | undefined, unit: Unit): string {
  if (!figures) return "–";
  return unit === "share" ? formatShare(figures.share) : formatCount(figures.pixels);
}

function spoken(figures: PartFigures | undefined, whole: string): string {
  if (!figures) return "share –";
  return `share ${formatShare(figures.share)} of ${whole}, ${formatCount(figures.pixels)} pixels`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** A thin bar, with its figure. */
function Confidence({ value }: { value: number | null }) {
  return (
    <span aria-hidden className="flex flex-col items-end gap-0.5 text-[13px] text-muted tabular-nums">
      {value === null ? "–" : percent(value)}
      {value !== null && (
        <span className="own-color block h-1 w-11 overflow-hidden rounded-full bg-default">
          <span className="block h-full rounded-full bg-accent" style={{ width: `${100 * value}%` }} />
        </span>
      )}
    </span>
  );
}
