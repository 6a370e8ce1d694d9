import type { CSSProperties, ReactNode } from "react";
import type { Box, Size } from "@/geometry/view";
import type { LabelMap } from "@/labels/label-map";
import type { Paint } from "@/labels/paint";
import { hexOf } from "@/labels/tints";
import { later } from "@/lib/later";
import { useStudio } from "@/state/studio-context";
import { LabelCanvas } from "./LabelCanvas";

// not needed before the first result
export const Outlines = later(() => import("./Outlines").then((stage) => stage.Outlines));

export const LAYER = "absolute top-0 left-0 origin-top-left";

interface Props {
  labels: LabelMap;
  colors: Paint;
  /** Of what is as large as the photo. */
  layer: CSSProperties;
  photoSize: Size;
  /** Where the photo lies on the stage, and how large one of its pixels is there. */
  photo: Box;
  scale: number;
  /** How much of the stage is left out at its left and right, in its pixels. */
  left?: number;
  right?: number;
  /** Beneath the parts. */
  children?: ReactNode;
}

/** Parts over the photo: tints and outlines, on one side of the border between before and after. */
export function PartsLayer(props: Props) {
  const { labels, colors, layer, photoSize, photo, scale, left = 0, right = 0, children } = props;
  const { style, opacity, progress, highlighted, pointed } = useStudio().state;
  return (
    <div
      className="pointer-events-none absolute inset-0"
      style={{ clipPath: `inset(0 ${right}px 0 ${left}px)` }}
    >
      <div className={`transition-opacity ${progress ? "opacity-40" : ""}`}>
        {children}
        <div className={LAYER} style={layer}>
          <LabelCanvas
            labels={labels}
            colors={colors}
            opacity={style.fill ? opacity : 0}
            crisp={scale * labels.step > 4}
          />
        </div>
        {style.outlines && (
          <Outlines
            labels={labels}
            colors={strokesOf(colors)}
            lifted={highlighted ?? pointed}
            photoSize={photoSize}
            photo={photo}
          />
        )}
      </div>
    </div>
  );
}

/** The colour of each outline. */
function strokesOf({ classes, hidden }: Paint): ReadonlyMap<number, string> {
  const shown = classes.filter(({ id }) => id !== 0 && !hidden.has(id));
  return new Map(shown.map(({ id, color }) => [id, hexOf(color)]));
}
