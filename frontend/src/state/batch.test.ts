import { beforeEach, expect, it, vi } from "vitest";
import type { Result } from "@/results/result";
import { batchOver } from "./batch";
import { pictureOf, work, type Run } from "./parsing";
import { makeStore } from "./store";

vi.mock("./parsing", () => ({ work: vi.fn(), pictureOf: vi.fn(() => Promise.reject(new Error("no"))) }));
vi.mock("@/photo/photo", async (original) => ({
  ...(await original<typeof import("@/photo/photo")>()),
  measured: (photo: unknown) => photo,
}));

const FILES = ["a.jpg", "b.jpg"].map(
  (name) => new File([`\xff\xd8\xff${name}`], name, { type: "image/jpeg" }),
);
const resultOf = ({ photo, task }: Pick<Run, "photo" | "task">) =>
  ({ photo, task, faces: [] }) as unknown as Result;
const OTHER = { photo: { id: 99, name: "other.jpg", url: "blob:99", size: null }, task: {} } as Result;
let urls = 0;
let revoked: string[] = [];
let ready: (() => void)[] = [];

beforeEach(() => {
  [urls, revoked, ready] = [0, [], []];
  URL.createObjectURL = () => `blob:${(urls += 1)}`;
  URL.revokeObjectURL = (url) => void revoked.push(url);
  vi.mocked(work).mockImplementation(async (run) => {
    await new Promise<void>((resolve) => ready.push(resolve));
    return resultOf(run);
  });
});

it("shows the first result, and no other", async () => {
  const store = makeStore();
  const done = batchOver(store).open(FILES);
  for (let parsed = 0; parsed < FILES.length; parsed += 1) {
    await vi.waitFor(() => expect(ready).toHaveLength(1));
    ready.pop()!();
    await vi.waitFor(() => expect(store.now().photo?.name).toBe("a.jpg"));
  }
  await done;
  expect(store.now()).toMatchObject({
    photo: { name: "a.jpg" },
    batch: [{ stage: "done" }, { stage: "done" }],
  });
});

it.each<[string, (store: ReturnType<typeof makeStore>) => void]>([
  ["another photo is shown", ({ dispatch }) => dispatch({ type: "shown", result: OTHER })],
  ["another photo is opened", ({ dispatch }) => dispatch({ type: "opening" })],
])("leaves the stage alone where meanwhile %s", async (_, choose) => {
  const store = makeStore();
  const done = batchOver(store).open(FILES);
  await vi.waitFor(() => expect(ready).toHaveLength(1));
  choose(store);
  const { photo, progress } = store.now();
  ready.pop()!();
  await vi.waitFor(() => expect(ready).toHaveLength(1));
  ready.pop()!();
  await done;
  expect(store.now()).toMatchObject({ photo, progress, batch: [{ stage: "done" }, { stage: "done" }] });
});

it("gets pictures of photos that the browser cannot show from the service", async () => {
  vi.mocked(work).mockImplementation((run) => Promise.resolve(resultOf(run)));
  vi.mocked(pictureOf).mockImplementation(({ photo }) => Promise.resolve({ ...photo, url: "blob:shown" }));
  const store = makeStore();
  await batchOver(store).open(FILES);
  await vi.waitFor(() =>
    expect(store.now().batch.map(({ result }) => result?.photo.url)).toEqual(["blob:shown", "blob:shown"]),
  );
  expect(store.now().photo?.url).toBe("blob:shown");
});

it("gives back the picture of a photo that could not be parsed", async () => {
  vi.mocked(work).mockRejectedValue(new Error("no"));
  const store = makeStore();
  await batchOver(store).open(FILES);
  expect(store.now().batch.map(({ stage }) => stage)).toEqual(["failed", "failed"]);
  expect(revoked).toEqual(["blob:1", "blob:2"]);
});
