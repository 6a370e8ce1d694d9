import { ToggleButton } from "@heroui/react/toggle-button";
import type { Face } from "@/api/client";
import { leftToRight } from "@/geometry/order";
import type { Photo } from "@/photo/photo";
import { useStudio } from "@/state/studio-context";
import { useFaceChoice } from "@/state/use-face-choice";

const THUMBNAIL = 36;

/** The faces found, from left to right; choosing one limits parts, shares and files to it. */
export function FaceList({ photo, faces }: { photo: Photo; faces: readonly Face[] }) {
  const { state } = useStudio();
  const choose = useFaceChoice();
  if (faces.length === 0) return null;
  return (
    <section aria-labelledby="faces-title">
      <h2 id="faces-title" className="mb-2 text-[15px] font-semibold">
        {faces.length === 1 ? "1 face" : `${faces.length} faces`}
      </h2>
      <div className="flex flex-wrap gap-2">
        {faces.length > 1 && (
          <ToggleButton className={ENTRY} isSelected={state.face === null} onChange={() => choose(null)}>
            All
          </ToggleButton>
        )}
        {leftToRight(faces.map(({ box }) => box)).map((index, place) => (
          <ToggleButton
            key={index}
            className={`${ENTRY} pl-1`}
            isSelected={index === state.face}
            onChange={(selected) => choose(selected ? index : null)}
          >
            <Thumbnail photo={photo} box={faces[index]!.box} />
            Face {place + 1}
            <span className="sr-only">, confidence {Math.round(100 * faces[index]!.score)} %</span>
          </ToggleButton>
        ))}
      </div>
    </section>
  );
}

const ENTRY =
  "h-11 rounded-xl px-3 data-[selected=true]:bg-accent data-[selected=true]:text-accent-foreground md:h-11";

/** The part of the photo in a box, as a square. */
function Thumbnail({ photo: { url, size }, box }: { photo: Photo; box: readonly number[] }) {
  const [x = 0, y = 0, width = 1, height = 1] = box;
  if (!size) return null;
  const scale = THUMBNAIL / Math.max(width, height);
  const centred = (start: number, length: number) => THUMBNAIL / 2 - (start + length / 2) * scale;
  return (
    <span
      aria-hidden
      className="own-color rounded-lg bg-no-repeat"
      style={{
        width: THUMBNAIL,
        height: THUMBNAIL,
        backgroundImage: `url("${url}")`,
        backgroundSize: `${size.width * scale}px ${size.height * scale}px`,
        backgroundPosition: `${centred(x, width)}px ${centred(y, height)}px`,
      }}
    />
  );
}
