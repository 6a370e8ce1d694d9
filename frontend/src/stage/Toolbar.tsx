import { Button } from "@heroui/react/button";
import type { ReactNode } from "react";
import { FitIcon, MinusIcon, PlusIcon } from "@/lib/icons";
import { useStudio } from "@/state/studio-context";
import { useStageView } from "@/state/view-context";
import { ShareSlider } from "./ShareSlider";

/** Before and after, opacity, zoom. */
export function Toolbar() {
  const { state, act } = useStudio();
  const { view, zoom, fit } = useStageView();
  const isEmpty = !state.result;
  return (
    <div className="flex flex-wrap items-end gap-x-6 gap-y-2">
      <ShareSlider label="Before and after" value={state.split} onChange={act.setSplit} />
      <ShareSlider label="Opacity" value={state.opacity} onChange={act.setOpacity} />
      <div role="group" aria-label="Zoom" className="flex items-center gap-1">
        <IconButton label="Zoom out" isDisabled={isEmpty || view.zoom <= 1} onPress={() => zoom(1 / 1.5)}>
          <MinusIcon />
        </IconButton>
        <output className="w-12 text-center text-sm tabular-nums" aria-label="Zoom">
          {Math.round(100 * view.zoom)} %
        </output>
        <IconButton label="Zoom in" isDisabled={isEmpty} onPress={() => zoom(1.5)}>
          <PlusIcon />
        </IconButton>
        <IconButton label="Fit the whole photo" isDisabled={isEmpty} onPress={fit}>
          <FitIcon />
        </IconButton>
      </div>
    </div>
  );
}

interface IconButtonProps {
  label: string;
  isDisabled: boolean;
  onPress: () => void;
  children: ReactNode;
}

function IconButton({ label, ...rest }: IconButtonProps) {
  return <Button isIconOnly size="sm" variant="tertiary" aria-label={label} {...rest} />;
}
