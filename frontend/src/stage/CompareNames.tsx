import type { ModelDetail } from "@/api/client";
import { goodFor } from "@/state/model-for";

const NAME =
  "pointer-events-none absolute top-3 max-w-[46%] rounded-md bg-black/75 px-2 py-1 text-[13px] text-white";

interface Props {
  left: ModelDetail;
  right: ModelDetail;
  /** All that are served. */
  models: readonly ModelDetail[];
}

/** Whose parts lie left and right of the border. */
export function CompareNames({ left, right, models }: Props) {
  return (
    <div data-testid="compare-names">
      <p className={`${NAME} left-3`}>
        <b>{left.name}</b>: {goodFor(left, models)}
      </p>
      <p className={`${NAME} right-3 text-right`}>
        <b>{right.name}</b>: {goodFor(right, models)}
      </p>
    </div>
  );
}
