import { Button } from "@heroui/react/button";
import { LogoIcon, MoonIcon, SunIcon } from "@/lib/icons";
import { useTheme } from "@/lib/use-theme";
import { WhereChoice } from "./WhereChoice";

export const PROMISE = "Every part of every face, as a mask";

/** Name, what it is, where photos are parsed, light or dark. */
export function Header() {
  const { dark, toggle } = useTheme();
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-2 print:hidden">
      <div className="-order-2 mr-auto flex items-center gap-x-3 sm:order-none">
        <h1 className="flex items-center gap-2 text-xl font-semibold tracking-tight">
          <LogoIcon />
          Face parts
        </h1>
        <p className="mt-1 hidden text-[13px] text-muted lg:block">{PROMISE}</p>
      </div>
      <WhereChoice />
      <Button
        isIconOnly
        size="sm"
        variant="tertiary"
        className="-order-1 sm:order-none"
        aria-label={dark ? "Light colours" : "Dark colours"}
        onPress={toggle}
      >
        {dark ? <SunIcon /> : <MoonIcon />}
      </Button>
    </header>
  );
}
