import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { trouble } from "@/api/trouble";
import type { Result } from "@/results/result";
import type { BatchItem } from "@/state/batch";
import { studioReducer, EMPTY } from "@/state/state";
import { inStudio } from "@/state/testing";
import { Batch } from "./Batch";

const RESULT = { photo: { id: 1, name: "one.jpg" } } as Result;
const item = (name: string, change: Partial<BatchItem>): BatchItem => ({
  file: new File([], name),
  stage: "waiting",
  result: null,
  trouble: null,
  ...change,
});
const BATCH = [
  item("one.jpg", { stage: "done", result: RESULT }),
  item("two.jpg", { stage: "failed", trouble: trouble("broken_image").trouble }),
  item("three.jpg", {}),
];

it("says how far several photos are, and shows the one that is chosen", async () => {
  const acts = { show: vi.fn() };
  render(inStudio(<Batch />, { batch: BATCH }, acts));
  expect(screen.getByRole("heading", { name: "2 of 3 photos" })).toBeInTheDocument();
  expect(screen.getByText(trouble("broken_image").trouble.title)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "All masks (zip)" })).toBeDisabled();
  expect(screen.getByRole("button", { name: /three/ })).toBeDisabled();
  await userEvent.click(screen.getByRole("button", { name: /one/ }));
  expect(acts.show).toHaveBeenCalledWith(RESULT);
});

it("is not there for one photo", () => {
  const { container } = render(inStudio(<Batch />, {}));
  expect(container).toBeEmptyDOMElement();
});

it("keeps what becomes of each photo", () => {
  const state = studioReducer(
    { ...EMPTY, batch: BATCH },
    { type: "batchItem", index: 2, change: { stage: "working" } },
  );
  expect(state.batch.map(({ stage }) => stage)).toEqual(["done", "failed", "working"]);
});
