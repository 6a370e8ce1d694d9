import { Button } from "@heroui/react/button";
import { Popover } from "@heroui/react/popover";
import { useState } from "react";
import { ColorChoice } from "./ColorChoice";
import type { TintProps } from "./Tint";

const SWATCHES = ["#fde4b8", "#f5a522", "#f0466b", "#8057fc", "#00acff", "#33a353", "#ffffff", "#202020"];

/** A part's own colour on the page, in what opens from its swatch. */
export default function TintPicker({ label, color, swatch, onColor }: TintProps) {
  const [open, setOpen] = useState(true);
  return (
    <Popover isOpen={open} onOpenChange={setOpen}>
      <Button isIconOnly size="sm" variant="ghost" aria-label={label} className="size-7 min-w-7 md:size-7">
        {swatch}
      </Button>
      <Popover.Content placement="bottom start">
        <Popover.Dialog aria-label={label} className="flex w-64 flex-col gap-3">
          <ColorChoice label={label} swatches={SWATCHES} color={color} onColor={onColor} />
          <Button size="sm" variant="tertiary" onPress={() => onColor(null)}>
            The palette&apos;s own
          </Button>
        </Popover.Dialog>
      </Popover.Content>
    </Popover>
  );
}
