import type { ModelDetail } from "@/api/client";
import type { Trouble } from "@/api/trouble";
import type { Palette, Tints } from "@/labels/tints";
import type { Photo } from "@/photo/photo";
import type { Look, Result, Where } from "@/results/result";
import type { Dyes } from "./dyes";
import type { BatchItem } from "./batch";

/** What is going on while a person waits; `share` is null where nobody can tell. */
export interface Progress {
  stage: "opening" | "sending" | "parsing" | "model";
  share: number | null;
  /** Of what is being fetched, once. */
  bytes?: number | null;
}

/** How the parts are drawn over the photo. */
export interface Style {
  palette: Palette;
  /** Whether the parts are filled with their tints, or outlined alone. */
  fill: boolean;
  outlines: boolean;
  /** The boxes of the faces. */
  boxes: boolean;
}

/** What went wrong last, and how to try it again. */
export interface Failure {
  trouble: Trouble;
  retry?: () => void;
  /** The name of the photo it happened to. */
  photoName?: string;
}

export interface StudioState {
  // The person's choices. Nothing but their own clicks changes these.
  where: Where;
  /** A model's name; null for the service's default one. */
  model: string | null;
  apiKey: string;
  /** Of the parts over the photo, 0 to 1. */
  opacity: number;
  /** Where before ends and after begins, 0 to 1. */
  split: number;
  style: Style;
  /** A person's own colours of parts, by the class's name; `#rrggbb`. */
  tints: Tints;
  /** New colours of parts of the photo. */
  dyes: Dyes;
  /** Ids of classes that are not shown. */
  hidden: ReadonlySet<number>;
  /** The one class that is shown alone, whatever is hidden. */
  solo: number | null;

  // The service's models, the default one first.
  models: readonly ModelDetail[];
  modelsFailure: Failure | null;

  // The work.
  /** On the stage. */
  photo: Photo | null;
  /** Given last. Not on the stage if it failed or was cancelled and an earlier result took its place. */
  given: Photo | null;
  /** Which part of the photo is parsed. */
  look: Look;
  progress: Progress | null;
  result: Result | null;
  /** The same photo, parsed by another model. */
  compared: Result | null;
  /** The result to go back to if the photo in work comes to nothing. */
  previous: Result | null;
  failure: Failure | null;
  /** The latest results, newest first, one per photo; in memory only. */
  recent: readonly Result[];
  /** Several photos that were given together. */
  batch: readonly BatchItem[];

  // What is being looked at.
  /** Whether a box is to be drawn, the part that alone is parsed. */
  drawing: boolean;
  /** Index of the selected face. */
  face: number | null;
  /** Class under the pointer, in the legend and on the stage. */
  highlighted: number | null;
  pointed: number | null;
}

type Chosen = Pick<StudioState, "where" | "model" | "apiKey" | "opacity" | "split" | "style" | "tints">;

export type StudioAction =
  | ({ type: "chose" } & Partial<Chosen>)
  | { type: "dyed"; dyes: Dyes }
  | { type: "hid"; hidden: ReadonlySet<number> }
  | ({ type: "looked" } & Partial<Pick<StudioState, "solo" | "drawing" | "face" | "highlighted" | "pointed">>)
  | { type: "models"; models: readonly ModelDetail[] }
  | { type: "modelsFailed"; failure: Failure | null }
  | { type: "opening" }
  | { type: "opened"; photo: Photo; look: Look }
  | { type: "pictured"; photo: Photo }
  | { type: "progress"; progress: Progress }
  | { type: "parsed"; result: Result }
  | { type: "compared"; result: Result | null }
  | { type: "failed"; failure: Failure }
  | { type: "told"; failure: Failure }
  | { type: "shown"; result: Result }
  | { type: "batch"; batch: readonly BatchItem[] }
  | { type: "batchItem"; index: number; change: Partial<BatchItem> }
  | { type: "dismissed" };

/** The whole photo, cut as the model has it: by the faces found in it, or not at all. */
export const WHOLE: Look = { faces: "auto", part: null };

export const EMPTY: StudioState = {
  where: "service",
  model: null,
  apiKey: "",
  opacity: 0.35,
  split: 0,
  style: { palette: "looking", fill: true, outlines: true, boxes: true },
  tints: {},
  dyes: {},
  hidden: new Set(),
  solo: null,
  models: [],
  modelsFailure: null,
  photo: null,
  given: null,
  look: WHOLE,
  progress: null,
  result: null,
  compared: null,
  previous: null,
  failure: null,
  recent: [],
  batch: [],
  drawing: false,
  face: null,
  highlighted: null,
  pointed: null,
};

export const MOST_RECENT = 8;

export function studioReducer(state: StudioState, action: StudioAction): StudioState {
  switch (action.type) {
    case "chose": {
      const { type, ...chosen } = action;
      const next = { ...state, ...chosen };
      return next.model === state.model ? next : { ...next, ...afresh(next) };
    }
    case "dyed":
      return { ...state, ...dyed(state, action.dyes) };
    case "hid":
      return { ...state, hidden: action.hidden, solo: null };
    case "looked": {
      const { type, ...looked } = action;
      return { ...state, ...looked };
    }
    case "models":
      return { ...state, models: action.models, modelsFailure: null };
    case "modelsFailed":
      return { ...state, modelsFailure: action.failure };
    case "opening":
      return { ...state, progress: { stage: "opening", share: null }, failure: null };
    case "opened":
      return withPhoto(state, action.photo, action.look);
    case "pictured":
      return withPicture(state, action.photo);
    case "progress":
      return { ...state, progress: action.progress };
    case "parsed":
      return withResult(state, action.result);
    case "compared":
      if (action.result && action.result.photo.id !== state.result?.photo.id) return state;
      return { ...state, compared: action.result, progress: null, split: action.result ? 0.5 : 0 };
    case "failed":
      return { ...withoutUnparsed(state), failure: action.failure };
    case "told":
      return { ...state, failure: action.failure };
    case "shown":
      return { ...withShown(state, action.result), progress: null, failure: null };
    case "batch":
      return { ...state, batch: action.batch };
    case "batchItem":
      return {
        ...state,
        batch: state.batch.map((item, index) =>
          index === action.index ? { ...item, ...action.change } : item,
        ),
      };
    case "dismissed":
      return { ...withoutUnparsed(state), failure: null, modelsFailure: null };
  }
}

function withPhoto(state: StudioState, photo: Photo, look: Look): StudioState {
  const isNew = photo.id !== state.result?.photo.id;
  return {
    ...state,
    photo,
    given: photo,
    look,
    compared: null,
    result: isNew ? null : state.result,
    previous: isNew ? (state.result ?? state.previous) : state.previous,
    ...(isNew || state.result?.task.model !== state.model ? afresh(state) : {}),
    face: null,
    drawing: false,
    progress: { stage: "sending", share: null },
    failure: null,
  };
}

function withResult(state: StudioState, result: Result): StudioState {
  const others = state.recent.filter(({ photo }) => photo.id !== result.photo.id);
  return {
    ...state,
    photo: result.photo,
    progress: null,
    result,
    compared: null,
    previous: null,
    failure: null,
    recent: [result, ...others].slice(0, MOST_RECENT),
  };
}

/** Another result on the stage. Where it was parsed says nothing of where the next photo is. */
function withShown(state: StudioState, result: Result): StudioState {
  const { faces, part } = result.task;
  return {
    ...state,
    photo: result.photo,
    result,
    compared: null,
    previous: null,
    look: { faces, part },
    ...(showsSameClasses(state.result, result) ? {} : afresh(state)),
    face: null,
    drawing: false,
  };
}

/** Every photo starts with all of its parts, over its own colours. */
function afresh(state: StudioState): Partial<StudioState> {
  return { hidden: EMPTY.hidden, solo: null, ...dyed(state, {}) };
}

/** New colours are seen without the parts over them; with the last of them gone the parts come back. */
function dyed({ dyes, style }: StudioState, next: Dyes): Pick<StudioState, "dyes" | "style"> {
  const [before, after] = [dyes, next].map((each) => Object.keys(each).length > 0);
  const seen = { ...style, fill: !after, outlines: !after };
  return { dyes: next, style: before === after ? style : seen };
}

/** Another model's classes may be others. */
function showsSameClasses(before: Result | null, after: Result): boolean {
  return before?.photo.id === after.photo.id && before.task.model === after.task.model;
}

/** Nothing in work. A photo without a result makes room for the result that was there before it. */
function withoutUnparsed(state: StudioState): StudioState {
  const { result, previous } = state;
  return { ...(result || !previous ? state : withShown(state, previous)), progress: null };
}

/** The photo got a picture that the browser can show. */
function withPicture(state: StudioState, photo: Photo): StudioState {
  const same = (result: Result) => (result.photo.id === photo.id ? { ...result, photo } : result);
  return {
    ...state,
    photo: state.photo?.id === photo.id ? photo : state.photo,
    given: state.given?.id === photo.id ? photo : state.given,
    result: state.result && same(state.result),
    previous: state.previous && same(state.previous),
    recent: state.recent.map(same),
    batch: state.batch.map((item) => (item.result ? { ...item, result: same(item.result) } : item)),
  };
}
