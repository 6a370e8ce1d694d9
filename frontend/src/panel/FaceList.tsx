import type { Face } from "@/api/client";
import { Button } from "@/controls/Button";

interface Props {
  faces: readonly Face[];
  selected: number | null;
  onSelect: (index: number | null) => void;
}

/** The faces found; selecting one looks at it, selecting it again at the whole photo. */
export function FaceList({ faces, selected, onSelect }: Props) {
  if (faces.length === 0) return null;
  return (
    <section aria-labelledby="faces-title">
      <h2 id="faces-title" className="mb-2 text-sm font-semibold">
        {faces.length === 1 ? "1 face" : `${faces.length} faces`}
      </h2>
      <div className="flex flex-wrap gap-2">
        {faces.map((face, index) => (
          <Button
            key={index}
            size="sm"
            variant={index === selected ? "primary" : "tertiary"}
            aria-pressed={index === selected}
            onClick={() => onSelect(index === selected ? null : index)}
          >
            Face {index + 1} · {Math.round(100 * face.score)} %
          </Button>
        ))}
      </div>
    </section>
  );
}
