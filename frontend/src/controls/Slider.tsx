import { useId } from "react";

interface Props {
  label: string;
  /** From 0 to 1. */
  value: number;
  onChange: (value: number) => void;
}

/**
 * A share, in whole per cent. The browser's own slider, invisible, lies over HeroUI's look of one; its thumb is as wide as
 * the one that is seen, so that both are at the same place.
 */
export function Slider({ label, value, onChange }: Props) {
  const id = useId();
  const percent = Math.round(100 * value);
  return (
    <div className="slider min-w-36 flex-1" data-orientation="horizontal">
      <label htmlFor={id} data-slot="label">{label}</label>
      <output htmlFor={id} aria-live="off" className="slider__output">{percent} %</output>
      <div className="slider__track" data-fill-start={percent > 0} data-fill-end={percent === 100}>
        <input
          id={id}
          type="range"
          min={0}
          max={100}
          value={percent}
          aria-valuetext={`${percent} %`}
          className="peer absolute inset-y-0 -inset-x-3 z-20 m-0 cursor-grab appearance-none opacity-0 active:cursor-grabbing [&::-moz-range-thumb]:w-6 [&::-webkit-slider-thumb]:w-6 [&::-webkit-slider-thumb]:appearance-none"
          onChange={(event) => onChange(event.target.valueAsNumber / 100)}
        />
        <div className="slider__fill left-0" style={{ width: `${percent}%` }} />
        <div className="slider__thumb -translate-1/2 peer-focus-visible:status-focused" style={{ left: `${percent}%` }} />
      </div>
    </div>
  );
}
