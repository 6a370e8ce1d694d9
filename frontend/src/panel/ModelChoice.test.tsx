import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { ModelDetail } from "@/api/client";
import { ModelChoice } from "./ModelChoice";

const MODELS = [{ name: "lite" }, { name: "lite-int8" }] as ModelDetail[];

it("names the model, and the default one by no name", async () => {
  const onModel = vi.fn();
  const { rerender } = render(<ModelChoice models={MODELS} chosen={null} onModel={onModel} />);
  const choice = screen.getByLabelText("Model");
  expect(choice).toHaveValue("lite");
  await userEvent.selectOptions(choice, "lite-int8");
  expect(onModel).toHaveBeenLastCalledWith("lite-int8");
  rerender(<ModelChoice models={MODELS} chosen="lite-int8" onModel={onModel} />);
  await userEvent.selectOptions(choice, "lite");
  expect(onModel).toHaveBeenLastCalledWith(null);
});
