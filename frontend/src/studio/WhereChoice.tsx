import type { Where } from "@/results/result";
import { formatBytes } from "@/lib/format";
import { Segments } from "@/lib/Segments";
import { useStudio } from "@/state/studio-context";
import { useBytesToFetch } from "@/state/use-bytes-to-fetch";

const PLACES: readonly { where: Where; label: string; meaning: string }[] = [
  { where: "service", label: "In the service", meaning: "Sent, parsed, not kept" },
  { where: "device", label: "On this device", meaning: "Nothing leaves your browser" },
];

/** Where photos are parsed: the person's choice, which nothing else changes. */
export function WhereChoice() {
  const { state, act } = useStudio();
  const bytes = useBytesToFetch();
  return (
    <div className="flex items-center gap-3">
      <p aria-hidden className="hidden text-[13px] text-muted xl:block">
        {PLACES.find(({ where }) => where === state.where)?.meaning}
      </p>
      <Segments
        label="Where photos are parsed"
        options={PLACES.map(({ where, label, meaning }) => ({
          value: where,
          spoken: `${label}: ${meaning}${where === "device" && bytes ? `; ${once(bytes)}` : ""}`,
          label: (
            <>
              {label}
              {where === "device" && <Cost bytes={bytes} />}
            </>
          ),
        }))}
        value={state.where}
        onChange={act.chooseWhere}
      />
    </div>
  );
}

/** What the first photo will have fetched; its room is kept until that is known. */
function Cost({ bytes }: { bytes: number | null }) {
  return (
    <span data-testid="bytes-to-fetch" className="text-left text-[13px] font-normal opacity-80 sm:min-w-20">
      {bytes === null ? "" : bytes === 0 ? "· ready" : `· ${formatBytes(bytes)}`}
      {bytes !== null && bytes > 0 && <span className="max-[340px]:hidden"> once</span>}
    </span>
  );
}

const once = (bytes: number) => `${formatBytes(bytes)} once`;
