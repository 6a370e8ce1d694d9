import { useDeferredValue, useMemo } from "react";
import type { Box, Size } from "@/geometry/view";
import type { LabelMap } from "@/labels/label-map";
import { outlinesOf } from "@/labels/outlines";

interface Props {
  labels: LabelMap;
  /** Colour of each part that is outlined, by its id. */
  colors: ReadonlyMap<number, string>;
  /** The one whose line is thicker. */
  lifted: number | null;
  photoSize: Size;
  photo: Box;
}

/** A line about each part, equally thin however far the photo is enlarged. */
export function Outlines({ labels, colors, lifted, photoSize, photo }: Props) {
  const traced = useDeferredValue<LabelMap | null>(labels, null); // the tints come first
  const paths = useMemo(() => (traced ? outlinesOf(traced) : new Map<number, string>()), [traced]);
  const shown = [...paths].filter(([id]) => colors.has(id));
  shown.sort(([one], [other]) => Number(one === lifted) - Number(other === lifted)); // the lifted one on top
  return (
    <svg
      aria-hidden
      data-testid="outlines"
      viewBox={`0 0 ${photoSize.width} ${photoSize.height}`}
      preserveAspectRatio="none"
      className="own-color pointer-events-none absolute"
      style={{ left: photo.x, top: photo.y, width: photo.width, height: photo.height }}
    >
      {shown.map(([id, path]) => (
        <path
          key={id}
          data-class-id={id}
          d={path}
          fill="none"
          stroke={colors.get(id)}
          strokeWidth={id === lifted ? 3.5 : 1.5}
          strokeLinejoin="round"
          vectorEffect="non-scaling-stroke"
        />
      ))}
    </svg>
  );
}
