import { Button } from "@heroui/react/button";
import { useStudio } from "@/state/studio-context";

const THUMBNAIL = [
  "size-10 overflow-hidden rounded-lg border-2 border-transparent p-0 md:size-10 pointer-coarse:w-11",
  "aria-[current=true]:border-accent",
].join(" ");

/** The latest photos, until the page is closed. */
export function Recent() {
  const { state, act } = useStudio();
  const { recent, result: shown } = state;
  if (recent.every(({ photo }) => photo.id === state.photo?.id)) return null;
  return (
    <section aria-labelledby="recent-title">
      <h2 id="recent-title" className="sr-only">
        Recent photos, gone when you close the page
      </h2>
      <ul className="flex flex-wrap gap-1.5">
        {recent.map((result) => (
          <li key={result.photo.id}>
            <Button
              variant="ghost"
              aria-label={`Show ${result.photo.name}`}
              aria-current={result.photo.id === shown?.photo.id}
              className={THUMBNAIL}
              onPress={() => act.show(result)}
            >
              <img src={result.photo.url} alt="" className="size-full object-cover" />
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
