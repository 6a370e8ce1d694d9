import { Label } from "@heroui/react/label";
import { Slider } from "@heroui/react/slider";

interface Props {
  label: string;
  /** From 0 to 1. */
  value: number;
  onChange: (value: number) => void;
}

/** A share, in whole per cent. */
export function ShareSlider({ label, value, onChange }: Props) {
  const percent = Math.round(100 * value);
  return (
    <Slider
      className="w-auto min-w-36 flex-1"
      value={percent}
      onChange={(next) => onChange(Number(next) / 100)}
    >
      <Label>{label}</Label>
      <Slider.Output>{percent} %</Slider.Output>
      <Slider.Track>
        <Slider.Fill />
        <Slider.Thumb />
      </Slider.Track>
    </Slider>
  );
}
