import { beforeEach, expect, it, vi } from "vitest";
import { segmentToLabels } from "@/api/segment";
import { trouble } from "@/api/trouble";
import type { Result } from "@/results/result";
import { parsingOver } from "./parsing";
import { WHOLE } from "./state";
import { makeStore } from "./store";

vi.mock("@/api/segment", () => ({ segmentToLabels: vi.fn(() => new Promise(() => undefined)) }));

const PHOTO = new File(["\xff\xd8\xff"], "a.jpg", { type: "image/jpeg" });
let loaded: (() => void)[] = [];

beforeEach(() => {
  loaded = [];
  vi.stubGlobal(
    "Image",
    class {
      naturalWidth = 4;
      naturalHeight = 3;
      set onload(tell: () => void) {
        loaded.push(tell);
      }
    },
  );
  URL.createObjectURL = () => "blob:1";
});

it("sends a photo at once, and shows it when the browser has opened it", async () => {
  const store = makeStore();
  void parsingOver(store).open(PHOTO);
  await vi.waitFor(() => expect(segmentToLabels).toHaveBeenCalled());
  expect(store.now().photo).toMatchObject({ name: "a.jpg", size: null });
  loaded.forEach((tell) => tell());
  await vi.waitFor(() => expect(store.now().photo?.size).toEqual({ width: 4, height: 3 }));
});

it("compares the same look at a photo, and tries it again with the same model", async () => {
  const store = makeStore();
  const photo = { id: 1, file: PHOTO, name: "a.jpg", url: "blob:1", size: { width: 4, height: 3 } };
  const result = { photo, task: { ...WHOLE, faces: "whole", where: "service", model: null } } as Result;
  store.dispatch({ type: "parsed", result });
  vi.mocked(segmentToLabels).mockRejectedValueOnce(trouble("unreachable"));
  await parsingOver(store).compare(result, "other");
  vi.mocked(segmentToLabels).mockClear();
  store.now().failure?.retry?.();
  await vi.waitFor(() =>
    expect(vi.mocked(segmentToLabels).mock.calls[0]?.[1]).toEqual({ faces: "whole", model: "other" }),
  );
});
