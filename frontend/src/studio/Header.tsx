import { Button } from "@heroui/react/button";
import { Switch } from "@heroui/react/switch";
import { MoonIcon, SunIcon } from "@/lib/icons";
import { useTheme } from "@/lib/use-theme";
import { useStudio } from "@/state/studio-context";

export function Header() {
  const { state, act } = useStudio();
  const { dark, toggle } = useTheme();
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <h1 className="mr-auto text-lg font-semibold">Face parts</h1>
      <Switch
        isSelected={state.where === "device"}
        onChange={(on) => act.chooseWhere(on ? "device" : "service")}
      >
        <Switch.Content>
          <Switch.Control className="ring-1 ring-foreground/20">
            <Switch.Thumb />
          </Switch.Control>
          <span title="The photo is parsed in this browser and sent nowhere">On this device</span>
        </Switch.Content>
      </Switch>
      <Button
        isIconOnly
        size="sm"
        variant="tertiary"
        aria-label={dark ? "Light colours" : "Dark colours"}
        onPress={toggle}
      >
        {dark ? <SunIcon /> : <MoonIcon />}
      </Button>
    </header>
  );
}
