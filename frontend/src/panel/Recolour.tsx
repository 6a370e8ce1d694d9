import { Button } from "@heroui/react/button";
import { ToggleButton } from "@heroui/react/toggle-button";
import { lazy, Suspense, type ReactNode } from "react";
import type { ModelDetail } from "@/api/client";
import { DYEABLE, type DyeName } from "@/state/dyes";
import { useStudio } from "@/state/studio-context";

const load = () => import("./DyeChoice");
const DyeChoice = lazy(() => load().catch(() => ({ default: Nothing })));

const FIRST: Record<DyeName, string> = { Hair: "#7a2e2e", Lips: "#b3202f", Brows: "#3a2a20" };

/** Where the colours cannot be fetched, as when the connection is lost. */
function Nothing(): ReactNode {
  return null;
}

/** Hair, lips and brows in another colour; the border on the stage shows before and after. */
export function Recolour({ model }: { model: ModelDetail }) {
  const { state, act } = useStudio();
  const has = (names: readonly string[]) => model.classes.some(({ name }) => names.includes(name));
  const offered = DYEABLE.filter(({ classes }) => has(classes));
  if (offered.length === 0) return null;
  const isDyed = Object.keys(state.dyes).length > 0;
  return (
    <section aria-labelledby="recolour-title">
      <div className="mb-2 flex items-center">
        <h2 id="recolour-title" className="flex-1 text-[15px] font-semibold">
          Recolour
        </h2>
        {isDyed && (
          <Button size="sm" variant="ghost" className="text-[13px] font-normal" onPress={act.undye}>
            As it was
          </Button>
        )}
      </div>
      <div className="flex flex-wrap gap-2">
        {offered.map(({ name }) => (
          <ToggleButton
            key={name}
            size="sm"
            isSelected={state.dyes[name] !== undefined}
            onHoverStart={() => void load().catch(() => undefined)}
            onChange={(on) => act.dye(name, on ? { color: FIRST[name], strength: 0.8 } : null)}
          >
            {name}
          </ToggleButton>
        ))}
      </div>
      {isDyed && (
        <Suspense>
          {offered.map(({ name }) => {
            const dye = state.dyes[name];
            return (
              dye && <DyeChoice key={name} name={name} dye={dye} onDye={(next) => act.dye(name, next)} />
            );
          })}
        </Suspense>
      )}
    </section>
  );
}
