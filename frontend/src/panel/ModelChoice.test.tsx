import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, it, vi } from "vitest";
import type { ModelDetail } from "@/api/client";
import { inStudio } from "@/state/testing";
import { ModelChoice } from "./ModelChoice";

const MODELS = [{ name: "lite" }, { name: "lite-int8" }] as ModelDetail[];

beforeAll(() => import("./ChoiceList")); // which the page fetches when it is needed

it("shows the one chosen and names another", async () => {
  const chooseModel = vi.fn();
  render(inStudio(<ModelChoice />, { models: MODELS, model: "lite" }, { chooseModel }));
  const choice = screen.getByRole("button", { name: /Model/ });
  expect(choice).toHaveTextContent("lite");
  await userEvent.click(choice);
  await userEvent.click(await screen.findByRole("option", { name: "lite-int8" }));
  expect(chooseModel).toHaveBeenLastCalledWith("lite-int8");
});
