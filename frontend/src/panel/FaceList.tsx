import { ToggleButton } from "@heroui/react/toggle-button";
import type { Face } from "@/api/client";
import { useStudio } from "@/state/studio-context";
import { useStageView } from "@/state/view-context";

/** The faces found; selecting one looks at it, selecting it again at the whole photo. */
export function FaceList({ faces }: { faces: readonly Face[] }) {
  const { state, act } = useStudio();
  const { focusOn, fit } = useStageView();
  if (faces.length === 0) return null;

  const select = (index: number | null) => {
    act.selectFace(index);
    const [x, y, width, height] = (index === null ? undefined : faces[index]?.box) ?? [];
    if (height === undefined) fit();
    else focusOn({ x: x!, y: y!, width: width!, height });
  };
  return (
    <section aria-labelledby="faces-title">
      <h2 id="faces-title" className="mb-2 text-sm font-semibold">
        {faces.length === 1 ? "1 face" : `${faces.length} faces`}
      </h2>
      <div className="flex flex-wrap gap-2">
        {faces.map((face, index) => (
          <ToggleButton
            key={index}
            size="sm"
            className="data-[selected=true]:bg-accent data-[selected=true]:text-accent-foreground"
            isSelected={index === state.face}
            onChange={(selected) => select(selected ? index : null)}
          >
            Face {index + 1} · {Math.round(100 * face.score)} %
          </ToggleButton>
        ))}
      </div>
    </section>
  );
}
