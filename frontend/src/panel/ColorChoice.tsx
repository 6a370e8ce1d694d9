import { ColorSlider } from "@heroui/react/color-slider";
import { ColorSwatchPicker } from "@heroui/react/color-swatch-picker";
import { parseColor } from "@heroui/react/rac";

interface Props {
  label: string;
  /** `#rrggbb` */
  swatches: readonly string[];
  color: string;
  onColor: (color: string) => void;
}

/** A colour: one of some, or any hue. */
export function ColorChoice({ label, swatches, color, onColor }: Props) {
  const chosen = parseColor(color);
  return (
    <div className="own-color flex flex-col gap-2">
      <ColorSwatchPicker
        aria-label={label}
        size="sm"
        className="gap-1.5"
        value={chosen}
        onChange={(next) => onColor(next.toString("hex").toLowerCase())}
      >
        {swatches.map((swatch) => (
          <ColorSwatchPicker.Item key={swatch} color={swatch}>
            <ColorSwatchPicker.Swatch className="ring-1 ring-foreground/20" />
            <ColorSwatchPicker.Indicator />
          </ColorSwatchPicker.Item>
        ))}
      </ColorSwatchPicker>
      <ColorSlider
        aria-label={`Hue: ${label}`}
        channel="hue"
        colorSpace="hsb"
        value={vivid(chosen)}
        onChange={(next) => onColor(next.toString("hex").toLowerCase())}
      >
        <ColorSlider.Track>
          <ColorSlider.Thumb />
        </ColorSlider.Track>
      </ColorSlider>
    </div>
  );
}

/** Grey has no hue: the slider would move nothing. */
function vivid(color: ReturnType<typeof parseColor>) {
  const hsb = color.toFormat("hsb");
  return hsb.getChannelValue("saturation") < 15 || hsb.getChannelValue("brightness") < 25
    ? hsb.withChannelValue("saturation", 70).withChannelValue("brightness", 80)
    : hsb;
}
