import { Button } from "@heroui/react/button";
import { useDeferredValue, type ReactNode } from "react";
import { formatMs } from "@/lib/format";
import { CurlCommand } from "@/panel/CurlCommand";
import { Downloads } from "@/panel/Downloads";
import { FaceList } from "@/panel/FaceList";
import { Legend, LegendSkeleton } from "@/panel/Legend";
import { MissedFace } from "@/panel/MissedFace";
import { ModelChoice } from "@/panel/ModelChoice";
import { Placeholder } from "@/panel/Placeholder";
import { Recent } from "@/panel/Recent";
import type { Result } from "@/results/result";
import { useStudio } from "@/state/studio-context";

/** What was found, and what can be taken away. */
export function Panel() {
  const { state, act, model } = useStudio();
  const { result, where } = state;
  const classes = useDeferredValue(model?.classes); // rendered in steps that let a touch through
  return (
    <aside
      aria-label="What was found"
      className={
        "flex min-h-0 flex-col gap-5 rounded-2xl border border-border bg-surface p-4 lg:overflow-y-auto"
      }
    >
      <p className="sr-only" role="status">
        {result && `Parsed ${result.photo.name}. ${spokenFaces(result)}`}
      </p>
      {classes ? <Legend classes={classes} /> : <LegendSkeleton />}
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
      {result && model && (
        <>
          <FaceList faces={result.faces} />
          <MissedFace />
          <Downloads result={result} model={model} />
          {result.task.where === "service" && !result.task.part && (
            <CurlCommand result={result} model={model} />
          )}
        </>
      )}
      {state.progress && !result && <ResultSkeleton />}
      <Recent />
      <ModelChoice />
      <Origin />
    </aside>
  );
}

/** Which model made the result, how long it took, and the licence of both model and page. */
function Origin() {
  const { state, model } = useStudio();
  const { result } = state;
  if (!model) return null;
  return (
    <p className="mt-auto text-xs text-muted">
      Model {model.name} {model.version}
      {result && ` · ${result.size.width} × ${result.size.height} · ${computed(result)}`}
      <br />
      Licence: {model.licence}
      <br />
      Page {process.env.NEXT_PUBLIC_VERSION}
    </p>
  );
}

function computed({ ms, task }: Result): string {
  return `${formatMs(ms)} ${task.where === "device" ? "on this device" : "in the service"}`;
}

function Note({ testId, children }: { testId: string; children: ReactNode }) {
  return (
    <div className="rounded-lg bg-default p-3 text-sm" data-testid={testId}>
      {children}
    </div>
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
