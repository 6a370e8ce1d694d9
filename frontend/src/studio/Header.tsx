import { Button } from "@/controls/Button";
import { Switch } from "@/controls/Switch";
import { MoonIcon, SunIcon } from "@/lib/icons";
import { useTheme } from "@/lib/use-theme";
import type { Where } from "./result";

interface Props {
  onDevice: boolean;
  onWhere: (where: Where) => void;
}

export function Header({ onDevice, onWhere }: Props) {
  const { dark, toggle } = useTheme();
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <h1 className="mr-auto text-lg font-semibold">Face parts</h1>
      <Switch on={onDevice} onChange={(on) => onWhere(on ? "device" : "service")}>
        <span title="The photo is parsed in this browser and sent nowhere">On this device</span>
      </Switch>
      <Button isIconOnly size="sm" variant="tertiary" aria-label={dark ? "Light colours" : "Dark colours"} onClick={toggle}>
        {dark ? <SunIcon /> : <MoonIcon />}
      </Button>
    </header>
  );
}
