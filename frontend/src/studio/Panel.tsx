import { Button } from "@heroui/react/button";
import { useDeferredValue, useState, type ReactNode } from "react";
import type { ModelDetail } from "@/api/client";
import { formatMs } from "@/lib/format";
import { later } from "@/lib/later";
import { Segments } from "@/lib/Segments";
import { Batch } from "@/panel/Batch";
import { Legend, LegendSkeleton } from "@/panel/Legend";
import { MissedFace } from "@/panel/MissedFace";
import { ModelChoice } from "@/panel/ModelChoice";
import { Placeholder } from "@/panel/Placeholder";
import type { Result } from "@/results/result";
import { useStudio } from "@/state/studio-context";
import { useLoadedAhead } from "@/state/use-loaded-ahead";

// nothing of it is needed before the first result
const Code = later(() => import("@/panel/Code").then((panel) => panel.Code));
const Downloads = later(() => import("@/panel/Downloads").then((panel) => panel.Downloads));
const FaceList = later(() => import("@/panel/FaceList").then((panel) => panel.FaceList));
const Recolour = later(() => import("@/panel/Recolour").then((panel) => panel.Recolour));
const OF_RESULTS = [Code, Downloads, FaceList, Recolour];

const GROUPS = ["Parts", "Faces", "Export"] as const;
type GroupName = (typeof GROUPS)[number];

/** `relative`, since what is there for screen readers alone would else be below the page's end. */
const PANEL =
  "relative flex min-h-0 flex-col gap-5 rounded-xl bg-surface p-4 beside:overflow-y-auto print:hidden";

/** What was found, and what can be taken away: in groups, one of which is open where room is scarce. */
export function Panel() {
  const { state, act, model } = useStudio();
  const { where } = state;
  const result = useDeferredValue(state.result); // the stage comes first
  const [open, setOpen] = useState<GroupName>("Parts");
  const classes = useDeferredValue(model?.classes); // rendered in steps that let a touch through
  useLoadedAhead(OF_RESULTS);
  const group = (name: GroupName) => (open === name ? "contents" : "hidden beside:contents");
  return (
    <aside aria-label="What was found" className={PANEL}>
      <p className="sr-only" role="status">
        {result && `Parsed ${result.photo.name}. ${spokenFaces(result, model)}`}
      </p>
      {result && (
        <Segments
          label="What is shown below"
          options={GROUPS.map((name) => ({ value: name, label: name }))}
          value={open}
          onChange={setOpen}
          fullWidth
          className="beside:hidden"
        />
      )}
      {where === "device" && (
        <Note testId="device-note">The photo stays in this browser: nothing of it is sent.</Note>
      )}
      {result?.warnings.includes("no_face_found") && (
        <Note testId="no-face">
          <p>No face was found. If the picture is one face, close up, it can be parsed as a whole.</p>
          <Button size="sm" variant="secondary" className="mt-2" onPress={act.parseWhole}>
            Parse the whole picture
          </Button>
        </Note>
      )}
      {result?.warnings.includes("image_damaged") && (
        <Note testId="image-damaged">Some of the file is missing or damaged: parts there may be wrong.</Note>
      )}
      {result?.facesFound && (
        <Note testId="faces-left-out">
          The photo has {result.facesFound} faces; the {result.faces.length} largest are parsed.
        </Note>
      )}
      <div className={result ? group("Parts") : "contents"}>
        {classes ? <Legend classes={classes} /> : <LegendSkeleton />}
      </div>
      {result && model && (
        <>
          <div className={group("Faces")}>
            <FaceList photo={result.photo} faces={result.faces} />
            {model.cut !== "whole" && <MissedFace />}
            <Recolour model={model} />
          </div>
          <div className={group("Export")}>
            <Downloads result={result} model={model} />
            {result.task.where === "service" && !result.task.part && <Code result={result} model={model} />}
          </div>
        </>
      )}
      {!result && (state.progress || state.result) && <ResultSkeleton />}
      <Batch />
      <ModelChoice />
      <Origin />
    </aside>
  );
}

/** Which model made the result, how long it took, and the licence of its weights. */
function Origin() {
  const { state, model } = useStudio();
  const { result } = state;
  if (!model) return null;
  return (
    <p className="mt-auto text-[13px] text-muted">
      Model {model.name} {model.version}
      {result && ` · ${result.size.width} × ${result.size.height} · computed in ${computed(result)}`}
      <br />
      Licence: {model.licence}
    </p>
  );
}

function computed({ ms, task }: Result): string {
  return `${formatMs(ms)} ${task.where === "device" ? "on this device" : "in the service"}`;
}

function Note({ testId, children }: { testId: string; children: ReactNode }) {
  return (
    <div className="rounded-lg bg-default p-3 text-[13px]" data-testid={testId}>
      {children}
    </div>
  );
}

/** For who hears the page. */
function spokenFaces({ faces, task }: Result, model: ModelDetail | null): string {
  if (task.faces === "whole" || model?.cut === "whole") return "The parts are in the list.";
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
