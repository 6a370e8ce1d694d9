import { ToggleButton } from "@heroui/react/toggle-button";
import type { Face } from "@/api/client";
import { leftToRight } from "@/geometry/order";
import type { Box } from "@/geometry/view";
import { placed } from "./placed";

interface Props {
  faces: readonly Face[];
  selected: number | null;
  photo: Box;
  scale: number;
  onSelect: (face: number | null) => void;
}

const TAG = [
  "own-color pointer-events-auto absolute -left-px h-6 min-w-6 rounded-md",
  "bg-black/75 px-1.5 text-[13px] text-white hover:bg-black data-[selected=true]:bg-white md:h-6",
  "data-[selected=true]:text-black",
  // as large as a small face, it would hide it: a finger hits what lies around it too
  "min-h-0! min-w-6! before:absolute before:-inset-2.5",
].join(" ");

/** Above a box, for its number. */
const ROOM = 34;

/** Where the faces were found, numbered from left to right; pressing a number looks at that face. */
export function FaceBoxes({ faces, selected, photo, scale, onSelect }: Props) {
  return leftToRight(faces.map(({ box }) => box)).map((index, number) => {
    const [x = 0, y = 0, width = 0, height = 0] = faces[index]!.box;
    const place = placed({ x, y, width, height }, photo, scale);
    const isSelected = index === selected;
    return (
      <div
        key={index}
        data-testid="face-box"
        className={`pointer-events-none absolute rounded-md ring-1 ring-black/50 ${
          isSelected ? "border-2 border-white" : "border border-white/70"
        }`}
        style={place}
        onPointerDown={(event) => event.stopPropagation()}
        onDoubleClick={(event) => event.stopPropagation()}
      >
        <ToggleButton
          size="sm"
          aria-label={`Box of face ${number + 1}`}
          className={`${TAG} ${place.top < ROOM ? "top-0" : "bottom-full mb-0.5"}`}
          isSelected={isSelected}
          onChange={(on) => onSelect(on ? index : null)}
        >
          {number + 1}
        </ToggleButton>
      </div>
    );
  });
}
