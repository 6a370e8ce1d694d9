import { expect, it, vi } from "vitest";
import { optionsOf } from "@/state/request-options";
import { EMPTY } from "@/state/state";
import { fileOf, type Shown } from "./file-of";

vi.mock("@/device/files", () => ({ deviceFile: () => Promise.resolve(new Blob()) }));
vi.mock("@/device/of-face", () => ({ labelsOfFace: vi.fn() }));

const SHOWN = {
  result: {
    photo: { name: "group-photo.jpg" },
    task: { where: "service", faces: "auto", model: null, part: null },
    faces: [{ number: 1 }, { number: 2 }],
    full: {},
  },
  model: { classes: [] },
} as unknown as Shown;
const STATE = { ...EMPTY, face: 1 };

it.each([
  ["json", "group-photo-face-2.json"],
  ["mask", "group-photo-face-2-mask.png"],
] as const)("names the %s after the face, whatever the photo's name ends with", async (output, name) =>
  expect((await fileOf(output, STATE, SHOWN)).name).toBe(name),
);

it("asks the API for the face that is shown", () => {
  const { result, model } = SHOWN;
  expect(optionsOf(STATE, result, model, "json")).toEqual({ output: "json", face: 2 });
  expect(optionsOf(EMPTY, result, model, "json")).toEqual({ output: "json" });
});
