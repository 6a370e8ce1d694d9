import type { Face } from "@/api/client";
import type { Box } from "@/geometry/view";

interface Props {
  faces: readonly Face[];
  selected: number | null;
  photo: Box;
  scale: number;
}

/** Where the faces were found; the list beside the stage selects them. */
export function FaceBoxes({ faces, selected, photo, scale }: Props) {
  return faces.map(({ box }, index) => {
    const [x = 0, y = 0, width = 0, height = 0] = box;
    const isSelected = index === selected;
    return (
      <div
        key={index}
        aria-hidden
        className={`pointer-events-none absolute rounded-md ring-1 ring-black/50 ${
          isSelected ? "border-2 border-white" : "border border-white/60"
        }`}
        style={{
          left: photo.x + x * scale,
          top: photo.y + y * scale,
          width: width * scale,
          height: height * scale,
        }}
      >
        {faces.length > 1 && (
          <span className="absolute -left-px -top-6 rounded bg-black/70 px-1.5 text-xs leading-5 text-white">
            {index + 1}
          </span>
        )}
      </div>
    );
  });
}
