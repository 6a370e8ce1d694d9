import { Button, Label, Slider } from "@heroui/react";
import { FitIcon, MinusIcon, PlusIcon } from "@/lib/icons";

interface Props {
  /** Without a result there is nothing to zoom. */
  disabled: boolean;
  split: number;
  onSplit: (split: number) => void;
  opacity: number;
  onOpacity: (opacity: number) => void;
  zoom: number;
  onZoom: (factor: number) => void;
  onFit: () => void;
}

/** Before and after, opacity, zoom. */
export function Toolbar({ disabled, split, onSplit, opacity, onOpacity, zoom, onZoom, onFit }: Props) {
  return (
    <div className="flex flex-wrap items-end gap-x-6 gap-y-2">
      <Share label="Before and after" value={split} onChange={onSplit} />
      <Share label="Opacity" value={opacity} onChange={onOpacity} />
      <div role="group" aria-label="Zoom" className="flex items-center gap-1">
        <Button isIconOnly size="sm" variant="tertiary" aria-label="Zoom out" isDisabled={disabled || zoom <= 1} onPress={() => onZoom(1 / 1.5)}>
          <MinusIcon />
        </Button>
        <output className="w-12 text-center text-sm tabular-nums" aria-label="Zoom">
          {Math.round(100 * zoom)} %
        </output>
        <Button isIconOnly size="sm" variant="tertiary" aria-label="Zoom in" isDisabled={disabled} onPress={() => onZoom(1.5)}>
          <PlusIcon />
        </Button>
        <Button isIconOnly size="sm" variant="tertiary" aria-label="Fit the whole photo" isDisabled={disabled} onPress={onFit}>
          <FitIcon />
        </Button>
      </div>
    </div>
  );
}

interface ShareProps {
  label: string;
  value: number;
  onChange: (value: number) => void;
}

/** A slider from 0 to 100 %. */
function Share({ label, value, onChange }: ShareProps) {
  return (
    <Slider
      className="min-w-36 flex-1"
      value={Math.round(100 * value)}
      onChange={(percent) => onChange(Number(percent) / 100)}
      minValue={0}
      maxValue={100}
    >
      <Label>{label}</Label>
      <Slider.Output>{() => `${Math.round(100 * value)} %`}</Slider.Output>
      <Slider.Track>
        <Slider.Fill />
        <Slider.Thumb />
      </Slider.Track>
    </Slider>
  );
}
