"use client";

import { Button } from "@heroui/react/button";
import dynamic from "next/dynamic";
import { Suspense, useDeferredValue, useRef } from "react";
import { Intake } from "@/intake/Intake";
import { Recent } from "@/panel/Recent";
import { SampleStrip } from "@/intake/SampleStrip";
import { useDropAndPaste } from "@/intake/use-drop-and-paste";
import { later } from "@/lib/later";
import { Stage } from "@/stage/Stage";
import { StudioProvider, useStudio } from "@/state/studio-context";
import { useLoadedAhead } from "@/state/use-loaded-ahead";
import { ViewProvider } from "@/state/view-context";
import { Footer } from "./Footer";
import { Header } from "./Header";
import { ProgressLine } from "./ProgressLine";
import { Shortcuts } from "./Shortcuts";
import { StageMessage } from "./StageMessage";
import { TroubleCard } from "./TroubleCard";
import { useRestingPointer } from "./use-resting-pointer";

// in scripts of their own, so that a slow phone can answer a touch between them
const Toolbar = later(() => import("@/stage/Toolbar").then((stage) => stage.Toolbar));
const Panel = dynamic(() => import("./Panel").then((studio) => studio.Panel));

const OF_RESULTS = [Toolbar];

const MAIN = [
  "grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] gap-3 sm:gap-4",
  "sideways:grid-cols-[minmax(0,1fr)_20rem] lg:grid-cols-[minmax(0,1fr)_22rem]",
].join(" ");
/** The phone held sideways keeps the stage in sight while the panel goes by. */
const LEFT = [
  "flex min-h-0 min-w-0 flex-col gap-2 sm:gap-3",
  "sideways:sticky sideways:top-3 sideways:self-start",
].join(" ");
const STAGE = "relative h-[62svh] min-h-60 sideways:h-[calc(100svh-5rem)] lg:h-auto lg:min-h-72 lg:flex-1";

const OVER = "sm:pointer-events-none sm:absolute sm:inset-x-3 sm:bottom-3 sm:flex sm:justify-center";

/** The page: a stage with the photo, what can be done with it, and what was found. */
export function Studio() {
  return (
    <StudioProvider>
      <ViewProvider>
        <Rooms />
      </ViewProvider>
    </StudioProvider>
  );
}

/**
 * Each part is in a Suspense of its own, which React hydrates by itself: all together they would block a slow
 * phone for too long.
 */
function Rooms() {
  const input = useRef<HTMLInputElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const choose = () => input.current?.click();
  useRestingPointer(stage);
  return (
    <div className="mx-auto flex min-h-svh max-w-[120rem] flex-col gap-3 p-3 sm:p-4 lg:h-svh">
      <Suspense>
        <Header />
      </Suspense>
      <main className={MAIN}>
        <div className={LEFT}>
          <div ref={stage} className="relative flex min-h-0 flex-col gap-2 lg:flex-1">
            <div className={STAGE}>
              <Stage />
              <OverStage onChoose={choose} />
            </div>
            <div className={OVER}>
              <ToolbarOfResult />
            </div>
          </div>
          <div className="flex flex-wrap items-center gap-2">
            <Suspense>
              <Intake input={input} />
            </Suspense>
            <SampleStrip />
            <Recent />
          </div>
        </div>
        <Suspense>
          <Panel />
        </Suspense>
      </main>
      <Suspense>
        <Footer />
      </Suspense>
    </div>
  );
}

/** Its sliders are not needed before the first result. */
function ToolbarOfResult() {
  const { state } = useStudio();
  const settled = useDeferredValue(state.result); // the parts on the stage come first
  useLoadedAhead(OF_RESULTS);
  return state.result && settled && <Toolbar />;
}

/** What lies over the stage: the invitation, progress, troubles. */
function OverStage({ onChoose }: { onChoose: () => void }) {
  const { state, act } = useStudio();
  const { photo, given, result, progress } = state;
  const dragging = useDropAndPaste(act.openAll);
  const failure = state.failure ?? (progress ? null : state.modelsFailure);
  const dismiss = () => {
    focusStage();
    act.dismiss();
  };
  return (
    <>
      <Shortcuts onChoose={onChoose} />
      <StageMessage empty={!photo && !progress && !failure} dragging={dragging} onChoose={onChoose} />
      {progress && <ProgressLine progress={progress} onCancel={dismiss} />}
      {photo && !result && !progress && !failure && (
        <Button className="absolute top-4 left-1/2 -translate-x-1/2 shadow-lg" onPress={act.parse}>
          Find face parts
        </Button>
      )}
      {failure && (
        <div className="absolute inset-x-3 top-3 mx-auto max-w-lg">
          <TroubleCard
            trouble={failure.trouble}
            photoName={given?.id === photo?.id ? undefined : failure.photoName}
            onRetry={() => {
              focusStage();
              act.retry();
            }}
            onKey={(key) => {
              focusStage();
              act.setKey(key);
            }}
            onChoose={onChoose}
            onDismiss={dismiss}
          />
        </div>
      )}
    </>
  );
}

/** In place of a button that goes with what it ends: the next Tab would begin at the top of the page. */
function focusStage() {
  document.getElementById("stage")?.focus();
}
