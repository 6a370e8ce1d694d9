import { useStudio } from "./studio-context";
import { useStageView } from "./view-context";

/** Selects a face by its index and looks at it; null: the whole photo. */
export function useFaceChoice(): (face: number | null) => void {
  const { state, act } = useStudio();
  const { focusOn, fit } = useStageView();
  return (face) => {
    act.selectFace(face);
    const [x, y, width, height] = (face === null ? undefined : state.result?.faces[face]?.box) ?? [];
    if (height === undefined) fit();
    else focusOn({ x: x!, y: y!, width: width!, height });
  };
}
