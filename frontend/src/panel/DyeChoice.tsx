import { Label } from "@heroui/react/label";
import { Slider } from "@heroui/react/slider";
import type { ReactNode } from "react";
import type { DyeName, DyeOfPart } from "@/state/dyes";
import { ColorChoice } from "./ColorChoice";

const SWATCHES: Record<DyeName, readonly string[]> = {
  Hair: ["#2b1d16", "#5c3a21", "#a56b3a", "#d9b36c", "#7a2e2e", "#c8502b", "#6a4bd8", "#2a7fd4", "#d4488e"],
  Lips: ["#b3202f", "#d4488e", "#8e1538", "#c8502b", "#b5706a", "#6a2a5a"],
  Brows: ["#2b1d16", "#3a2a20", "#5c3a21", "#a56b3a", "#7a2e2e"],
};

interface Props {
  name: DyeName;
  dye: DyeOfPart;
  onDye: (dye: DyeOfPart) => void;
}

/** The colour of one part of the photo, and how strong it is. */
export default function DyeChoice({ name, dye, onDye }: Props): ReactNode {
  return (
    <div role="group" aria-label={name} className="mt-3 flex flex-col gap-3">
      <span className="text-[13px] font-medium">{name}</span>
      <ColorChoice
        label={`${name}: colour`}
        swatches={SWATCHES[name]}
        color={dye.color}
        onColor={(color) => onDye({ ...dye, color })}
      />
      <Slider
        value={Math.round(100 * dye.strength)}
        onChange={(next) => onDye({ ...dye, strength: Number(next) / 100 })}
      >
        <Label className="text-[13px]">{name}: strength</Label>
        <Slider.Output className="text-[13px]">{Math.round(100 * dye.strength)} %</Slider.Output>
        <Slider.Track>
          <Slider.Fill />
          <Slider.Thumb />
        </Slider.Track>
      </Slider>
    </div>
  );
}
