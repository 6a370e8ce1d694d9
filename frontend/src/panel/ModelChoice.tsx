import { modelFor, modelsFor } from "@/state/model-for";
import { useStudio } from "@/state/studio-context";
import { Choice } from "./Choice";

/** Which of the service's models parses, where there is more than one. */
export function ModelChoice() {
  const { state, act } = useStudio();
  const offered = modelsFor(state.models, state.where);
  if (offered.length < 2) return null;
  return (
    <div className="flex items-center gap-3 text-sm">
      <span aria-hidden className="flex-1 font-semibold">
        Model
      </span>
      <Choice
        label="Model"
        options={offered.map(({ name }) => ({ value: name, label: name }))}
        value={modelFor(state.models, state)?.name ?? null}
        onChange={act.chooseModel}
      />
    </div>
  );
}
