import { Button } from "@heroui/react/button";
import { ToggleButton } from "@heroui/react/toggle-button";
import type { ReactNode } from "react";
import { oneToOne } from "@/geometry/view";
import { BoxIcon, FillIcon, FitIcon, MinusIcon, OutlineIcon, PlusIcon } from "@/lib/icons";
import { useStudio } from "@/state/studio-context";
import { useStageView } from "@/state/view-context";
import { ShareSlider } from "./ShareSlider";

const BAR = [
  "fades flex flex-wrap items-center gap-x-2 gap-y-1 print:hidden",
  "sm:pointer-events-auto sm:rounded-xl sm:bg-overlay sm:p-1 lg:px-2 sm:shadow-lg",
].join(" ");
const GROUP = "flex items-center gap-0.5 lg:gap-1";

/** How the parts of a result are drawn, and zoom. */
export function Toolbar() {
  const { state, act } = useStudio();
  if (!state.result) return null;
  const { fill, outlines, boxes } = state.style;
  return (
    <div className={BAR}>
      <div role="group" aria-label="Drawn over the photo" className={GROUP}>
        <Toggle label="Tints" isOn={fill} onChange={() => act.restyle({ fill: !fill })}>
          <FillIcon />
        </Toggle>
        <Toggle label="Outlines" isOn={outlines} onChange={() => act.restyle({ outlines: !outlines })}>
          <OutlineIcon />
        </Toggle>
        {state.result.faces.length > 0 && (
          <Toggle label="Boxes" isOn={boxes} onChange={() => act.restyle({ boxes: !boxes })}>
            <BoxIcon />
          </Toggle>
        )}
      </div>
      <ShareSlider label="Opacity" value={state.opacity} onChange={act.setOpacity} />
      <Zoom />
    </div>
  );
}

function Zoom() {
  const { photo } = useStudio().state;
  const { view, size, zoom, fit } = useStageView();
  const whole = photo?.size && size ? oneToOne(size, photo.size) : 1;
  const percent = Math.round((100 * view.zoom) / whole);
  return (
    <div role="group" aria-label="Zoom" className={GROUP}>
      <IconButton label="Zoom out" onPress={() => zoom(1 / 1.5)}>
        <MinusIcon />
      </IconButton>
      <Button
        size="sm"
        variant="ghost"
        className="min-w-12 px-1 text-[13px] tabular-nums lg:min-w-14"
        aria-label={`${percent} %: show one pixel as one`}
        onPress={() => zoom(whole / view.zoom)}
      >
        {percent} %
      </Button>
      <IconButton label="Zoom in" onPress={() => zoom(1.5)}>
        <PlusIcon />
      </IconButton>
      <IconButton label="Fit the whole photo" onPress={fit}>
        <FitIcon />
      </IconButton>
    </div>
  );
}

interface ToggleProps {
  label: string;
  isOn: boolean;
  onChange: () => void;
  children: ReactNode;
}

function Toggle({ label, isOn, onChange, children }: ToggleProps) {
  return (
    <span title={label}>
      <ToggleButton
        isIconOnly
        size="sm"
        className="forced-colors:data-[selected=true]:outline-2"
        aria-label={label}
        isSelected={isOn}
        onChange={onChange}
      >
        {children}
      </ToggleButton>
    </span>
  );
}

interface IconButtonProps {
  label: string;
  onPress: () => void;
  children: ReactNode;
}

function IconButton({ label, ...rest }: IconButtonProps) {
  return (
    <span title={label}>
      <Button isIconOnly size="sm" variant="ghost" aria-label={label} {...rest} />
    </span>
  );
}
