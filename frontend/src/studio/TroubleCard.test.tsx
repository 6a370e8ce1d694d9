import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { trouble } from "@/api/trouble";
import { TroubleCard } from "./TroubleCard";

afterEach(() => vi.useRealTimers());

function show(code: string, more = {}) {
  const acts = { onRetry: vi.fn(), onKey: vi.fn(), onChoose: vi.fn(), onDismiss: vi.fn() };
  render(<TroubleCard trouble={trouble(code, more).trouble} {...acts} />);
  return acts;
}

it("says what went wrong and what the service said of it", () => {
  show("internal_error", { requestId: "abc" });
  expect(screen.getByRole("alert")).toHaveTextContent("Something went wrong in the service");
  expect(screen.getByRole("alert")).toHaveTextContent("log has it as abc");
});

it("lets the person try again at once where that may help", async () => {
  const { onRetry } = show("unreachable");
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(onRetry).toHaveBeenCalledOnce();
});

it("waits as long as the service asks", () => {
  vi.useFakeTimers();
  show("rate_limited", { wait: 2 });
  expect(screen.getByRole("button", { name: "Try again in 2 s" })).toBeDisabled();
  act(() => void vi.advanceTimersByTime(2000));
  expect(screen.getByRole("button", { name: "Try again" })).toBeEnabled();
});

it("offers another photo where this one will never do", async () => {
  const { onChoose } = show("broken_image");
  expect(screen.queryByRole("button", { name: /Try again/ })).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Choose another photo" }));
  expect(onChoose).toHaveBeenCalledOnce();
});

it("asks for the key", async () => {
  const { onKey } = show("api_key_missing");
  await userEvent.type(await screen.findByLabelText("API key"), " secret {Enter}");
  expect(onKey).toHaveBeenCalledWith("secret");
});
