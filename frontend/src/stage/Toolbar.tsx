import { Button } from "@/controls/Button";
import { Slider } from "@/controls/Slider";
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
      <Slider label="Before and after" value={split} onChange={onSplit} />
      <Slider label="Opacity" value={opacity} onChange={onOpacity} />
      <div role="group" aria-label="Zoom" className="flex items-center gap-1">
        <Button isIconOnly size="sm" variant="tertiary" aria-label="Zoom out" disabled={disabled || zoom <= 1} onClick={() => onZoom(1 / 1.5)}>
          <MinusIcon />
        </Button>
        <output className="w-12 text-center text-sm tabular-nums" aria-label="Zoom">
          {Math.round(100 * zoom)} %
        </output>
        <Button isIconOnly size="sm" variant="tertiary" aria-label="Zoom in" disabled={disabled} onClick={() => onZoom(1.5)}>
          <PlusIcon />
        </Button>
        <Button isIconOnly size="sm" variant="tertiary" aria-label="Fit the whole photo" disabled={disabled} onClick={onFit}>
          <FitIcon />
        </Button>
      </div>
    </div>
  );
}
