import { beforeEach, expect, it, vi } from "vitest";
import { segmentToLabels } from "@/api/segment";
import { parsingOver } from "./parsing";
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
