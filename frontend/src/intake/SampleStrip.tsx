import { Button } from "@heroui/react/button";
import { fetchSample, SAMPLES } from "@/photo/sample";
import { useStudio } from "@/state/studio-context";

/** Photos to try the page with. */
export function SampleStrip() {
  const { state, act } = useStudio();
  if (state.photo || state.recent.length > 0) return null;
  return (
    <ul aria-label="Samples" className="flex gap-2" data-testid="samples">
      {SAMPLES.map(({ file, thumbnail, words }) => (
        <li key={file}>
          <Button
            variant="ghost"
            aria-label={`Sample: ${words}`}
            className="size-10 overflow-hidden rounded-lg p-0 md:size-10 pointer-coarse:w-11"
            onPress={() => act.open((signal) => fetchSample(signal, file))}
          >
            <img src={`/samples/${thumbnail}`} alt="" loading="lazy" className="size-full object-cover" />
          </Button>
        </li>
      ))}
    </ul>
  );
}
