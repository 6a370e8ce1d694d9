import { useId } from "react";
import type { ModelDetail } from "@/api/client";

interface Props {
  models: readonly ModelDetail[];
  chosen: string | undefined;
  onModel: (name: string) => void;
}

/** Which of the service's models parses. */
export function ModelChoice({ models, chosen, onModel }: Props) {
  const id = useId();
  return (
    <div className="flex items-center gap-3 text-sm">
      <label htmlFor={id} className="flex-1 font-semibold">Model</label>
      <select
        id={id}
        className="rounded-md border border-border bg-surface px-2 py-1 text-sm"
        value={chosen}
        onChange={(event) => onModel(event.target.value)}
      >
        {models.map(({ name }) => (
          <option key={name} value={name}>{name}</option>
        ))}
      </select>
    </div>
  );
}
