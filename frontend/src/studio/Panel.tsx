import type { ModelDetail, Output, SegmentOptions } from "@/api/client";
import type { Trouble } from "@/api/trouble";
import { Button } from "@/controls/Button";
import { formatMs } from "@/lib/format";
import { CurlCommand } from "@/panel/CurlCommand";
import { Downloads } from "@/panel/Downloads";
import { FaceList } from "@/panel/FaceList";
import { Legend, LegendSkeleton } from "@/panel/Legend";
import { ModelChoice } from "@/panel/ModelChoice";
import { Placeholder } from "@/panel/Placeholder";
import { Recent } from "@/panel/Recent";
import type { Result } from "./result";

interface Props {
  models: readonly ModelDetail[];
  /** The one whose classes are shown. */
  model: ModelDetail | null;
  /** The name of the one that parses next. */
  chosen: string | undefined;
  onModel: (name: string) => void;
  result: Result | null;
  /** Whether a result is on its way. */
  busy: boolean;
  onDevice: boolean;
  recent: readonly Result[];
  onShow: (result: Result) => void;
  hidden: ReadonlySet<number>;
  onHidden: (hidden: Set<number>) => void;
  highlighted: number | null;
  onHighlight: (id: number | null) => void;
  face: number | null;
  onFace: (index: number | null) => void;
  optionsFor: (output: Output) => SegmentOptions;
  apiKey: string;
  opacity: number;
  onWhole: () => void;
  onTrouble: (trouble: Trouble, retry: () => void) => void;
}

/** What was found, and what can be taken away. */
export function Panel(props: Props) {
  const { model, result } = props;
  return (
    <aside aria-label="What was found" className="flex min-h-0 flex-col gap-5 rounded-2xl border border-border bg-surface p-4 lg:overflow-y-auto">
      <p className="sr-only" role="status">
        {result && `Parsed ${result.photo.name}. ${spokenFaces(result)}`}
      </p>
      {model ? (
        <Legend
          classes={model.classes}
          found={result?.classes ?? null}
          busy={props.busy}
          hidden={props.hidden}
          onHidden={props.onHidden}
          highlighted={props.highlighted}
          onHighlight={props.onHighlight}
        />
      ) : (
        <LegendSkeleton />
      )}
      {props.onDevice && (
        <p className="rounded-lg bg-default p-3 text-sm" data-testid="device-note">
          The photo stays in this browser. Move the frame, or its corner, to one face: what lies in it is parsed.
        </p>
      )}
      {result?.warnings.includes("no_face_found") && (
        <div className="rounded-lg bg-default p-3 text-sm" data-testid="no-face">
          <p>No face was found. If the picture is one face, close up, it can be parsed as a whole.</p>
          <Button size="sm" variant="secondary" className="mt-2" onClick={props.onWhole}>Parse the whole picture</Button>
        </div>
      )}
      {result && model && (
        <>
          <FaceList faces={result.faces} selected={props.face} onSelect={props.onFace} />
          <Downloads
            result={result}
            optionsFor={props.optionsFor}
            apiKey={props.apiKey}
            model={model}
            hidden={props.hidden}
            opacity={props.opacity}
            onTrouble={props.onTrouble}
          />
          {result.task.where === "service" && (
            <CurlCommand photoName={result.photo.name} optionsFor={props.optionsFor} withKey={props.apiKey !== ""} />
          )}
        </>
      )}
      {props.busy && !result && <ResultSkeleton />}
      <Recent results={props.recent} current={result} onShow={props.onShow} />
      {props.models.length > 1 && <ModelChoice models={props.models} chosen={props.chosen} onModel={props.onModel} />}
      {model && (
        <p className="mt-auto text-xs text-muted">
          Model {model.name} {model.version}
          {result && ` · ${result.size.width} × ${result.size.height} · ${formatMs(result.ms)} ${result.task.where === "device" ? "on this device" : "in the service"}`}
          <br />
          Licence: {model.licence}
        </p>
      )}
    </aside>
  );
}

/** For who hears the page. */
function spokenFaces({ faces, task }: Result): string {
  if (task.where === "device" || task.faces === "whole") return "The parts are in the list.";
  return faces.length === 1 ? "1 face." : `${faces.length} faces.`;
}

/** Holds the place of faces, downloads and curl command while a photo is parsed. */
function ResultSkeleton() {
  return (
    <div aria-hidden data-testid="result-skeleton" className="flex flex-col gap-5">
      {["h-16", "h-26", "h-36"].map((height) => (
        <Placeholder key={height} className={height} />
      ))}
    </div>
  );
}
