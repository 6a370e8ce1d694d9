import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { trouble, type Trouble } from "@/api/trouble";
import { inStudio } from "@/state/testing";
import { Intake } from "./Intake";

vi.mock("./CameraDialog", () => ({
  default: ({ onTrouble }: { onTrouble: (trouble: Trouble) => void }) => (
    <button onClick={() => onTrouble(trouble("no_runtime").trouble)}>Live</button>
  ),
}));

it("opens the camera again where it failed", async () => {
  const acts = { fail: vi.fn() };
  render(inStudio(<Intake input={{ current: null }} />, {}, acts));
  await userEvent.click(screen.getByRole("button", { name: "Camera" }));
  await userEvent.click(await screen.findByText("Live"));
  expect(screen.queryByText("Live")).not.toBeInTheDocument();
  const [, retry] = acts.fail.mock.lastCall as [Trouble, () => void];
  act(retry);
  expect(await screen.findByText("Live")).toBeInTheDocument();
});
