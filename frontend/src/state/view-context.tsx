import { createContext, use, useRef, type ReactNode, type RefObject } from "react";
import type { Size } from "@/geometry/view";
import { useStudio } from "./studio-context";
import { useSize } from "./use-size";
import { useView } from "./use-view";

interface StageView extends ReturnType<typeof useView> {
  /** To be given to the stage's element. */
  stageRef: RefObject<HTMLDivElement | null>;
  /** The stage's, in CSS pixels; null before it is known. */
  size: Size | null;
}

const ViewContext = createContext<StageView | null>(null);

/** How the photo lies on the stage. */
export function useStageView(): StageView {
  const view = use(ViewContext);
  if (!view) throw new Error("no ViewProvider");
  return view;
}

/** Apart from the studio's context: the view changes with every movement of a finger. */
export function ViewProvider({ children }: { children: ReactNode }) {
  const { photo } = useStudio().state;
  const stageRef = useRef<HTMLDivElement>(null);
  const size = useSize(stageRef, photo !== null); // without a photo it would only cost the start a render
  const view = useView(stageRef, size, photo);
  return <ViewContext value={{ ...view, stageRef, size }}>{children}</ViewContext>;
}
