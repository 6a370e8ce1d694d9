import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { ModelDetail } from "@/api/client";
import { ModelChoice } from "./ModelChoice";

const MODELS = [{ name: "lite" }, { name: "lite-int8" }] as ModelDetail[];

it("shows the one chosen and names another", async () => {
  const onModel = vi.fn();
  render(<ModelChoice models={MODELS} chosen="lite" onModel={onModel} />);
  const choice = screen.getByLabelText("Model");
  expect(choice).toHaveValue("lite");
  await userEvent.selectOptions(choice, "lite-int8");
  expect(onModel).toHaveBeenLastCalledWith("lite-int8");
});
