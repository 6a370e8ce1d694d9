import { Slider } from "@heroui/react/slider";

interface Props {
  label: string;
  /** From 0 to 1. */
  value: number;
  onChange: (value: number) => void;
}

/** A share, in whole per cent. */
export function ShareSlider({ label, value, onChange }: Props) {
  return (
    <span
      title={label}
      className="sideways:hidden order-last flex basis-full items-center sm:order-none sm:w-36 sm:basis-auto"
    >
      <Slider
        aria-label={label}
        className="block w-full"
        value={Math.round(100 * value)}
        onChange={(next) => onChange(Number(next) / 100)}
      >
        <Slider.Track>
          <Slider.Fill />
          <Slider.Thumb />
        </Slider.Track>
      </Slider>
    </span>
  );
}
