import { expect, it } from "vitest";
import { trouble } from "@/api/trouble";
import type { Result, Task } from "@/results/result";
import { EMPTY, MOST_RECENT, studioReducer, WHOLE, type StudioAction } from "./state";
import { picturesOf } from "./use-freed-pictures";

const photo = (id: number) => ({
  id,
  file: new File([], `${id}.jpg`),
  name: `${id}.jpg`,
  url: `blob:${id}`,
  size: null,
});
const result = (id: number, task: Partial<Task> = {}) =>
  ({ photo: photo(id), task: { ...WHOLE, where: "service", model: null, ...task } }) as Result;
const failed: StudioAction = { type: "failed", failure: { trouble: trouble("broken_image").trouble } };
const after = (...actions: StudioAction[]) => actions.reduce(studioReducer, EMPTY);

it("keeps the latest results, one a photo, the newest first", () => {
  const actions = [1, 2, 1].map((id): StudioAction => ({ type: "parsed", result: result(id) }));
  expect(after(...actions).recent.map(({ photo }) => photo.id)).toEqual([1, 2]);
});

it("forgets the oldest", () => {
  const actions = Array.from({ length: MOST_RECENT + 3 }, (_, id): StudioAction => ({
    type: "parsed",
    result: result(id),
  }));
  expect(after(...actions).recent).toHaveLength(MOST_RECENT);
});

it("keeps the photo when parsing fails, so that it can be tried again", () => {
  const state = after(
    { type: "opened", photo: photo(1), look: WHOLE },
    { type: "failed", failure: { trouble: trouble("too_busy").trouble } },
  );
  expect(state).toMatchObject({
    photo: { id: 1 },
    progress: null,
    failure: { trouble: { code: "too_busy" } },
  });
});

it("gives a picture to a photo the browser could not show", () => {
  const state = after(
    { type: "parsed", result: result(1) },
    { type: "pictured", photo: { ...photo(1), url: "blob:new" } },
  );
  expect([state.photo?.url, state.result?.photo.url, state.recent[0]?.photo.url]).toEqual([
    "blob:new",
    "blob:new",
    "blob:new",
  ]);
});

it("gives it to one of several, too", () => {
  const item = { file: photo(1).file, stage: "done", result: result(1), trouble: null } as const;
  const state = after(
    { type: "batch", batch: [item, { ...item, result: result(2) }] },
    { type: "pictured", photo: { ...photo(1), url: "blob:new" } },
  );
  expect(state.batch.map((each) => each.result?.photo.url)).toEqual(["blob:new", "blob:2"]);
});

it.each<[string, StudioAction]>([
  ["fails", failed],
  ["is cancelled", { type: "dismissed" }],
])("shows the result before again when the next photo %s", (_, end) => {
  const state = after(
    { type: "parsed", result: result(1) },
    { type: "opened", photo: photo(2), look: WHOLE },
    end,
  );
  expect(state).toMatchObject({
    photo: { id: 1 },
    result: { photo: { id: 1 } },
    given: { id: 2 },
    progress: null,
  });
});

it("keeps the result while the same photo is parsed anew", () => {
  const state = after(
    { type: "parsed", result: result(1) },
    { type: "opened", photo: photo(1), look: WHOLE },
  );
  expect(state.result?.photo.id).toBe(1);
});

it("parses where the person chose, whatever result is shown", () => {
  const state = after(
    { type: "parsed", result: result(1) },
    { type: "chose", where: "device" },
    { type: "parsed", result: result(2, { where: "device" }) },
    { type: "shown", result: result(1) },
  );
  expect([state.where, state.look]).toEqual(["device", WHOLE]);
});

it("shows what a result is of, also where the next photo is parsed elsewhere", () => {
  const part = { x: 1, y: 2, width: 40, height: 50 };
  const state = after(
    { type: "chose", where: "device" },
    { type: "shown", result: result(1, { faces: "whole", part }) },
  );
  expect(state.look).toEqual({ faces: "whole", part });
});

it("lays another model's result beside the first until either changes", () => {
  const beside: StudioAction = { type: "compared", result: result(1, { model: "other" }) };
  const first: StudioAction = { type: "parsed", result: result(1) };
  expect(after(first, beside)).toMatchObject({ compared: { task: { model: "other" } }, split: 0.5 });
  expect(after(first, beside).recent).toHaveLength(1);
  for (const next of [
    { type: "compared", result: null },
    { type: "shown", result: result(2) },
    { type: "opened", photo: photo(2), look: WHOLE },
    first,
  ] as StudioAction[])
    expect(after(first, beside, next).compared).toBeNull();
});

it("shows new colours without the parts over them, until they are gone", () => {
  const dye: StudioAction = { type: "dyed", dyes: { Hair: { color: "#ff0000", strength: 1 } } };
  const drawn = (...actions: StudioAction[]) =>
    after({ type: "parsed", result: result(1) }, ...actions).style;
  expect(drawn(dye)).toMatchObject({ fill: false, outlines: false });
  expect(drawn(dye, { type: "dyed", dyes: {} })).toEqual(EMPTY.style);
  expect(drawn(dye, { type: "opened", photo: photo(2), look: WHOLE })).toEqual(EMPTY.style);
  const back: StudioAction = { type: "chose", style: { ...EMPTY.style, fill: true, outlines: false } };
  expect(drawn(dye, back, dye)).toMatchObject({ fill: true, outlines: false });
});

it("shows all parts again with another photo, and with another model, whose classes may be others", () => {
  const hid: StudioAction = { type: "hid", hidden: new Set([1]) };
  const kept: StudioAction = { type: "looked", solo: 1 };
  const next: StudioAction = { type: "opened", photo: photo(2), look: WHOLE };
  expect(after({ type: "parsed", result: result(1) }, hid, next).hidden.size).toBe(0);
  expect(after({ type: "parsed", result: result(1) }, kept, next).solo).toBeNull();
  expect(after({ type: "parsed", result: result(1) }, kept, hid).solo).toBeNull();
  const other = result(2, { model: "other" });
  expect(
    after({ type: "parsed", result: result(1) }, hid, { type: "shown", result: result(1) }).hidden.size,
  ).toBe(1);
  expect(
    after({ type: "parsed", result: result(1) }, hid, { type: "shown", result: other }).hidden.size,
  ).toBe(0);
  expect(after(hid, { type: "chose", model: "other" }).hidden.size).toBe(0);
  expect(after(hid, { type: "chose", opacity: 1 }).hidden.size).toBe(1);
});

it("lays nothing over a photo that was found in another", () => {
  const state = after({ type: "parsed", result: result(2) }, { type: "compared", result: result(1) });
  expect(state).toMatchObject({ compared: null, split: 0 });
  const same = after({ type: "parsed", result: result(2) }, { type: "compared", result: result(2) });
  expect(same).toMatchObject({ compared: { photo: { id: 2 } }, split: 0.5 });
});

it("keeps the picture of a photo that it can go back to", () => {
  const opened: StudioAction[] = [
    { type: "shown", result: result(1) }, // of several, whose list was closed then
    { type: "opened", photo: photo(2), look: WHOLE },
  ];
  expect(picturesOf(after(...opened))).toEqual(new Set(["blob:1", "blob:2"]));
  expect(after(...opened, failed).photo?.id).toBe(1);
});
