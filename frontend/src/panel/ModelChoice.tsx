import { ToggleButton } from "@heroui/react/toggle-button";
import { Segments } from "@/lib/Segments";
import { goodFor, modelFor, modelsFor } from "@/state/model-for";
import { useStudio } from "@/state/studio-context";

/** Which of the service's models parses, where there is more than one, and how another one does it. */
export function ModelChoice() {
  const { state, act } = useStudio();
  const { models, where, result, compared, progress } = state;
  const offered = modelsFor(models, where);
  if (offered.length < 2) return null;
  const chosen = modelFor(models, state);
  const shown = result && modelFor(models, result.task);
  const others = offered.filter(({ name }) => name !== shown?.name);
  return (
    <section aria-labelledby="model-title" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 id="model-title" className="flex-1 text-[15px] font-semibold">
          Model
        </h2>
        <Segments
          label="Model"
          options={offered.map(({ name }) => ({ value: name, label: name }))}
          value={chosen?.name ?? null}
          onChange={act.chooseModel}
        />
      </div>
      {chosen && <p className="text-[13px] text-muted">{goodFor(chosen, models)}.</p>}
      {result && (
        <div className="flex flex-wrap gap-2">
          {others.map(({ name }) => (
            <ToggleButton
              key={name}
              size="sm"
              className="text-[13px]"
              isDisabled={progress !== null}
              isSelected={compared !== null && modelFor(models, compared.task)?.name === name}
              onChange={(on) => act.compare(on ? name : null)}
            >
              Compare with {name}
            </ToggleButton>
          ))}
        </div>
      )}
    </section>
  );
}
