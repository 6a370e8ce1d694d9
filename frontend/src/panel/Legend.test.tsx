import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { Result } from "@/results/result";
import type { StudioState } from "@/state/state";
import { inStudio } from "@/state/testing";
import { Legend } from "./Legend";

const CLASSES = [
  { id: 0, name: "background", color: [0, 0, 0], mirror: 0 },
  { id: 1, name: "skin", color: [0, 153, 255], mirror: 1 },
  { id: 2, name: "left_eye", color: [255, 255, 102], mirror: 3 },
];
const FOUND = { classes: [{ id: 1, share: 0.0221, confidence: 0.884 }] } as Result;

function show(state: Partial<StudioState> = { result: FOUND }) {
  const acts = { hide: vi.fn(), highlight: vi.fn() };
  const { container } = render(inStudio(<Legend classes={CLASSES} />, state, acts));
  return { ...acts, container };
}

it("reads share and confidence of the parts found, and of no others", () => {
  show();
  expect(screen.getByRole("checkbox", { name: /Skin.*share.*2\.2.%.*confidence.*88 %/ })).toBeChecked();
  expect(screen.getByRole("checkbox", { name: /Left eye.*share.*–.*confidence.*–/ })).toBeInTheDocument();
  expect(screen.queryByText("Background")).not.toBeInTheDocument();
});

it("holds the figures' places while they are on their way", () => {
  const { container } = show({ progress: { stage: "parsing", share: null } });
  expect(container.querySelectorAll("li .animate-pulse")).toHaveLength(4);
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
  expect(hide).toHaveBeenLastCalledWith(new Set([1, 2]));
  await userEvent.click(screen.getByRole("button", { name: "All" }));
  expect(hide).toHaveBeenLastCalledWith(new Set());
});

it("makes the part under the pointer stand out", async () => {
  const { highlight } = show();
  await userEvent.hover(screen.getByText("Left eye"));
  expect(highlight).toHaveBeenLastCalledWith(2);
});
