"use client";

import { Button } from "@heroui/react/button";
import dynamic from "next/dynamic";
import { Suspense, useRef } from "react";
import { Intake } from "@/intake/Intake";
import { useDropAndPaste } from "@/intake/use-drop-and-paste";
import { Stage } from "@/stage/Stage";
import { StudioProvider, useStudio } from "@/state/studio-context";
import { ViewProvider } from "@/state/view-context";
import { Header } from "./Header";
import { ProgressLine } from "./ProgressLine";
import { StageMessage } from "./StageMessage";
import { TroubleCard } from "./TroubleCard";

// in scripts of their own, so that a slow phone can answer a touch between them
const Toolbar = dynamic(() => import("@/stage/Toolbar").then((stage) => stage.Toolbar));
const Panel = dynamic(() => import("./Panel").then((studio) => studio.Panel));

const MAIN = [
  "grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] gap-4",
  "lg:grid-cols-[minmax(0,1fr)_20rem]",
].join(" ");

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
  const choose = () => input.current?.click();
  return (
    <div className="mx-auto flex min-h-svh max-w-[110rem] flex-col gap-3 p-3 sm:p-4 lg:h-svh">
      <Suspense>
        <Header />
      </Suspense>
      <main className={MAIN}>
        <div className="flex min-h-0 min-w-0 flex-col gap-3">
          <Suspense>
            <Intake input={input} />
          </Suspense>
          <div className="relative h-[62svh] lg:h-auto lg:min-h-72 lg:flex-1">
            <Stage />
            <OverStage onChoose={choose} />
          </div>
          <Suspense>
            <Toolbar />
          </Suspense>
        </div>
        <Suspense>
          <Panel />
        </Suspense>
      </main>
    </div>
  );
}

/** What lies over the stage: the invitation, progress, troubles. */
function OverStage({ onChoose }: { onChoose: () => void }) {
  const { state, act } = useStudio();
  const { photo, given, result, progress } = state;
  const dragging = useDropAndPaste(act.open);
  const failure = state.failure ?? (progress ? null : state.modelsFailure);
  return (
    <>
      <StageMessage empty={!photo && !progress && !failure} dragging={dragging} onChoose={onChoose} />
      {progress && <ProgressLine progress={progress} onCancel={act.dismiss} />}
      {photo && !result && !progress && !failure && (
        <Button className="absolute top-4 left-1/2 -translate-x-1/2 shadow-lg" onPress={act.parse}>
          Parse this photo
        </Button>
      )}
      {failure && (
        <div className="absolute inset-x-3 top-3 mx-auto max-w-lg">
          <TroubleCard
            trouble={failure.trouble}
            photoName={given?.id === photo?.id ? undefined : failure.photoName}
            onRetry={act.retry}
            onKey={act.setKey}
            onChoose={onChoose}
            onDismiss={act.dismiss}
          />
        </div>
      )}
    </>
  );
}
