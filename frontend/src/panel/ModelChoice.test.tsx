import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import type { ModelDetail } from "@/api/client";
import type { Result } from "@/results/result";
import { inStudio } from "@/state/testing";
import { ModelChoice } from "./ModelChoice";

const input = { width: 256, height: 256 };
const MODELS = [
  { name: "lite", precision: "fp32", metrics: { mean_f1: 89.88 }, input },
  { name: "lite-int8", precision: "int8", metrics: {}, input },
] as unknown as ModelDetail[];

it("shows the one chosen, says what it is good for, and names another", async () => {
  const chooseModel = vi.fn();
  render(inStudio(<ModelChoice />, { models: MODELS, model: "lite" }, { chooseModel }));
  expect(screen.getByText(/Most exact.*89\.88 %/)).toBeInTheDocument();
  const choice = screen.getByRole("radiogroup", { name: "Model" });
  expect(within(choice).getByRole("radio", { name: "lite" })).toBeChecked();
  await userEvent.click(within(choice).getByRole("radio", { name: "lite-int8" }));
  expect(chooseModel).toHaveBeenLastCalledWith("lite-int8");
});

it("compares a result with another model's, and ends that", async () => {
  const compare = vi.fn();
  const result = { task: { where: "service", model: null } } as Result;
  const { rerender } = render(inStudio(<ModelChoice />, { models: MODELS, result }, { compare }));
  await userEvent.click(screen.getByRole("button", { name: "Compare with lite-int8" }));
  expect(compare).toHaveBeenLastCalledWith("lite-int8");
  const compared = { task: { where: "service", model: "lite-int8" } } as Result;
  rerender(inStudio(<ModelChoice />, { models: MODELS, result, compared }, { compare }));
  await userEvent.click(screen.getByRole("button", { name: "Compare with lite-int8", pressed: true }));
  expect(compare).toHaveBeenLastCalledWith(null);
});
