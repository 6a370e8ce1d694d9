import { Button } from "@heroui/react/button";
import { useStudio } from "@/state/studio-context";

/** What to do about a face that was not found, and the way back to the whole photo. */
export function MissedFace() {
  const { state, act } = useStudio();
  if (!state.result || !state.photo?.size) return null;
  const { part } = state.look;
  return (
    <div className="text-sm" data-testid="missed-face">
      <p className="text-muted">
        {part
          ? "The frame alone is parsed. Drag it, or pull a corner."
          : "Is a face missing? Draw a box around it."}
      </p>
      <div className="mt-2 flex flex-wrap gap-2">
        <Button size="sm" variant="secondary" onPress={() => act.draw(!state.drawing)}>
          {state.drawing ? "Leave the drawing" : part ? "Draw another box" : "Draw a box"}
        </Button>
        {part && (
          <Button size="sm" variant="tertiary" onPress={act.parseAll}>
            Parse the whole photo
          </Button>
        )}
      </div>
    </div>
  );
}
