import type { Trouble } from "@/api/trouble";
import type { Photo } from "@/photo/photo";
import type { Result } from "./result";

/** What is going on while a person waits; `share` is null where nobody can tell. */
export interface Progress {
  stage: "opening" | "sending" | "parsing" | "model";
  share: number | null;
}

export interface StudioState {
  photo: Photo | null;
  progress: Progress | null;
  result: Result | null;
  trouble: Trouble | null;
  /** The latest results, the newest first, one a photo; in memory only. */
  recent: Result[];
}

export type StudioAction =
  | { type: "opening" }
  | { type: "opened"; photo: Photo }
  | { type: "pictured"; photo: Photo }
  | { type: "progress"; progress: Progress }
  | { type: "parsed"; result: Result }
  | { type: "failed"; trouble: Trouble }
  | { type: "shown"; result: Result }
  | { type: "dismissed" };

export const EMPTY: StudioState = { photo: null, progress: null, result: null, trouble: null, recent: [] };
export const MOST_RECENT = 8;

export function studioReducer(state: StudioState, action: StudioAction): StudioState {
  switch (action.type) {
    case "opening":
      return { ...state, progress: { stage: "opening", share: null }, trouble: null };
    case "opened":
      return { ...state, photo: action.photo, result: null, progress: { stage: "sending", share: null }, trouble: null };
    case "pictured":
      return withPicture(state, action.photo);
    case "progress":
      return { ...state, progress: action.progress, trouble: null };
    case "parsed": {
      const { result } = action;
      const others = state.recent.filter(({ photo }) => photo.id !== result.photo.id);
      const recent = [result, ...others].slice(0, MOST_RECENT);
      return { ...state, photo: result.photo, progress: null, result, trouble: null, recent };
    }
    case "failed":
      return { ...state, progress: null, trouble: action.trouble };
    case "shown":
      return { ...state, photo: action.result.photo, progress: null, result: action.result, trouble: null };
    case "dismissed":
      return { ...state, progress: null, trouble: null };
  }
}

/** The photo got a picture that the browser can show. */
function withPicture(state: StudioState, photo: Photo): StudioState {
  const same = (result: Result) => (result.photo.id === photo.id ? { ...result, photo } : result);
  return {
    ...state,
    photo: state.photo?.id === photo.id ? photo : state.photo,
    result: state.result && same(state.result),
    recent: state.recent.map(same),
  };
}
