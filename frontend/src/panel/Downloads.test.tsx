import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { trouble } from "@/api/trouble";
import { inStudio } from "@/state/testing";
import { Downloads } from "./Downloads";
import type { Shown } from "./file-of";

vi.mock("./JsonDialog", () => ({
  default: ({ onFailed }: { onFailed: (error: unknown) => void }) => (
    <button onClick={() => onFailed(trouble("unreachable"))}>Reading</button>
  ),
}));

it("reads the JSON again where that failed", async () => {
  const acts = { fail: vi.fn() };
  const shown = { result: { task: {}, faces: [] }, model: { classes: [] } } as unknown as Shown;
  render(inStudio(<Downloads {...shown} />, {}, acts));
  await userEvent.click(screen.getByRole("button", { name: "Read the JSON" }));
  await userEvent.click(await screen.findByText("Reading"));
  expect(screen.queryByText("Reading")).not.toBeInTheDocument();
  const [told, retry] = acts.fail.mock.lastCall as [{ code: string }, () => void];
  expect(told.code).toBe("unreachable");
  act(retry);
  expect(await screen.findByText("Reading")).toBeInTheDocument();
});
