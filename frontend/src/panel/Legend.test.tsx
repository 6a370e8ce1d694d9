import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { emptyLabelMap } from "@/labels/label-map";
import type { Result } from "@/results/result";
import type { StudioState } from "@/state/state";
import { inStudio } from "@/state/testing";
import { Legend } from "./Legend";

const CLASSES = [
  { id: 0, name: "background", color: [0, 0, 0], mirror: 0 },
  { id: 1, name: "skin", color: [0, 153, 255], mirror: 1, role: "face" as const },
  { id: 2, name: "left_eye", color: [255, 255, 102], mirror: 3 },
  { id: 4, name: "hair", color: [255, 0, 102], mirror: 4 },
];
/** Small in the photo: 3 % skin and 1 % hair. */
const FOUND = {
  size: { width: 1000, height: 500 },
  labels: emptyLabelMap({ width: 1000, height: 500 }, 100),
  faces: [],
  classes: [
    { id: 0, share: 0.96, confidence: 0.99 },
    { id: 1, share: 0.03, confidence: 0.884 },
    { id: 4, share: 0.01, confidence: 0.7 },
  ],
} as unknown as Result;

function show(state: Partial<StudioState> = { result: FOUND }) {
  const acts = { hide: vi.fn(), highlight: vi.fn(), keep: vi.fn(), restyle: vi.fn() };
  const { container } = render(inStudio(<Legend classes={CLASSES} />, state, acts));
  return { ...acts, container };
}

it("reads share of the face, pixels and confidence of the parts found, and of no others", () => {
  show();
  expect(
    screen.getByRole("checkbox", { name: /Skin, share 75.% of the face, 15.000 pixels, confidence 88 %/ }),
  ).toBeChecked();
  expect(screen.getByRole("checkbox", { name: /Left eye, share –, confidence –/ })).toBeInTheDocument();
  expect(screen.queryByText("Background")).not.toBeInTheDocument();
});

it("shows pixels on demand", async () => {
  show();
  expect(screen.queryByText(/^15.000$/)).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: /Show pixels/ }));
  expect(screen.getByText(/^15.000$/)).toBeInTheDocument();
});

it("holds the figures' places while they are on their way", () => {
  const { container } = show({ progress: { stage: "parsing", share: null } });
  expect(container.querySelectorAll("li .animate-pulse")).toHaveLength(6);
  expect(screen.queryByText("–")).not.toBeInTheDocument();
});

it("switches a part off and on", async () => {
  const { hide, highlight } = show();
  await userEvent.click(screen.getByRole("checkbox", { name: /Skin/ }));
  expect(hide).toHaveBeenCalledWith(new Set([1]));
  expect(highlight).toHaveBeenLastCalledWith(null);
});

it("switches all off and on", async () => {
  const { hide } = show();
  await userEvent.click(screen.getByRole("button", { name: "None" }));
  expect(hide).toHaveBeenLastCalledWith(new Set([1, 2, 4]));
  await userEvent.click(screen.getByRole("button", { name: "All" }));
  expect(hide).toHaveBeenLastCalledWith(new Set());
});

it("keeps a part alone by its name, and lets it go", async () => {
  const { keep } = show();
  await userEvent.click(screen.getByRole("button", { name: "Hair alone" }));
  expect(keep).toHaveBeenLastCalledWith(4);
});

it("has all others off while one is kept", () => {
  show({ result: FOUND, solo: 4 });
  expect(screen.getByRole("checkbox", { name: /Hair/ })).toBeChecked();
  expect(screen.getByRole("checkbox", { name: /Skin/ })).not.toBeChecked();
  expect(screen.getByRole("button", { name: "Hair alone" })).toHaveAttribute("aria-pressed", "true");
});

it("makes the part under the pointer stand out", async () => {
  const { highlight } = show();
  await userEvent.hover(screen.getByText("Left eye"));
  expect(highlight).toHaveBeenLastCalledWith(2);
});

it("has the data set's colours on demand", async () => {
  const { restyle } = show();
  await userEvent.click(screen.getByRole("button", { name: "The data set's colours" }));
  expect(restyle).toHaveBeenLastCalledWith({ palette: "dataset" });
});
