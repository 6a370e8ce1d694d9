import { expect, it } from "vitest";
import { trouble } from "@/api/trouble";
import type { Result } from "./result";
import { EMPTY, MOST_RECENT, studioReducer, type StudioAction } from "./state";

const photo = (id: number) => ({ id, file: new File([], `${id}.jpg`), name: `${id}.jpg`, url: `blob:${id}`, size: null });
const result = (id: number) => ({ photo: photo(id) }) as Result;
const after = (...actions: StudioAction[]) => actions.reduce(studioReducer, EMPTY);

it("keeps the latest results, one a photo, the newest first", () => {
  const actions = [1, 2, 1].map((id): StudioAction => ({ type: "parsed", result: result(id) }));
  expect(after(...actions).recent.map(({ photo }) => photo.id)).toEqual([1, 2]);
});

it("forgets the oldest", () => {
  const actions = Array.from({ length: MOST_RECENT + 3 }, (_, id): StudioAction => ({ type: "parsed", result: result(id) }));
  expect(after(...actions).recent).toHaveLength(MOST_RECENT);
});

it("keeps the photo when parsing fails, so that it can be tried again", () => {
  const state = after({ type: "opened", photo: photo(1) }, { type: "failed", trouble: trouble("too_busy").trouble });
  expect(state).toMatchObject({ photo: { id: 1 }, progress: null, trouble: { code: "too_busy" } });
});

it("gives a picture to a photo the browser could not show", () => {
  const state = after({ type: "parsed", result: result(1) }, { type: "pictured", photo: { ...photo(1), url: "blob:new" } });
  expect([state.photo?.url, state.result?.photo.url, state.recent[0]?.photo.url]).toEqual(["blob:new", "blob:new", "blob:new"]);
});
