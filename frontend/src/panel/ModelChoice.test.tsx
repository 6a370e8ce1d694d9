import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, it, vi } from "vitest";
import type { ModelDetail } from "@/api/client";
import type { Result } from "@/results/result";
import { inStudio } from "@/state/testing";
import { ModelChoice } from "./ModelChoice";

const MODELS = [
  { name: "lite", precision: "fp32", metrics: { mean_f1: 89.88 } },
  { name: "lite-int8", precision: "int8", metrics: {} },
] as unknown as ModelDetail[];

beforeAll(() => import("./ChoiceList")); // which the page fetches when it is needed

it("shows the one chosen, says what it is good for, and names another", async () => {
  const chooseModel = vi.fn();
  render(inStudio(<ModelChoice />, { models: MODELS, model: "lite" }, { chooseModel }));
  expect(screen.getByText(/Most exact.*89\.88 %/)).toBeInTheDocument();
  const choice = screen.getByRole("button", { name: /Model/ });
  expect(choice).toHaveTextContent("lite");
  await userEvent.click(choice);
  await userEvent.click(await screen.findByRole("option", { name: "lite-int8" }));
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
