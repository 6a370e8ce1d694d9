import type { Result } from "@/studio/result";

interface Props {
  results: readonly Result[];
  current: Result | null;
  onShow: (result: Result) => void;
}

/** The latest photos, until the page is closed. */
export function Recent({ results, current, onShow }: Props) {
  if (results.length < 2) return null;
  return (
    <section aria-labelledby="recent-title">
      <h2 id="recent-title" className="mb-2 text-sm font-semibold">Recent <span className="font-normal text-muted">· gone when you close the page</span></h2>
      <ul className="flex flex-wrap gap-2">
        {results.map((result) => (
          <li key={result.photo.id}>
            <button
              type="button"
              aria-label={`Show ${result.photo.name}`}
              aria-current={result.photo.id === current?.photo.id}
              className="block size-14 cursor-pointer overflow-hidden rounded-lg border-2 border-transparent outline-offset-2 aria-[current=true]:border-accent focus-visible:outline-2 focus-visible:outline-focus"
              onClick={() => onShow(result)}
            >
              <img src={result.photo.url} alt="" className="size-full object-cover" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
