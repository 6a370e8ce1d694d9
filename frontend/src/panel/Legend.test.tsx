import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Legend } from "./Legend";

const CLASSES = [
  { id: 0, name: "background", color: [0, 0, 0], mirror: 0 },
  { id: 1, name: "skin", color: [0, 153, 255], mirror: 1 },
  { id: 2, name: "left_eye", color: [255, 255, 102], mirror: 3 },
];
const FOUND = [{ id: 1, share: 0.0221, confidence: 0.884 }];

function show(more = {}) {
  const acts = { onHidden: vi.fn(), onHighlight: vi.fn() };
  render(<Legend classes={CLASSES} found={FOUND} busy={false} hidden={new Set()} highlighted={null} {...acts} {...more} />);
  return acts;
}

it("reads share and confidence of the parts found, and of no others", () => {
  show();
  expect(screen.getByRole("checkbox", { name: /Skin.*share.*2\.2.%.*confidence.*88 %/ })).toBeChecked();
  expect(screen.getByRole("checkbox", { name: /Left eye.*share.*–.*confidence.*–/ })).toBeInTheDocument();
  expect(screen.queryByText("Background")).not.toBeInTheDocument();
});

it("holds the figures' places while they are on their way", () => {
  const { container } = render(
    <Legend classes={CLASSES} found={null} busy hidden={new Set()} highlighted={null} onHidden={vi.fn()} onHighlight={vi.fn()} />,
  );
  expect(container.querySelectorAll("li .animate-pulse")).toHaveLength(4);
  expect(screen.queryByText("–")).not.toBeInTheDocument();
});

it("switches a part off and on", async () => {
  const { onHidden, onHighlight } = show();
  await userEvent.click(screen.getByRole("checkbox", { name: /Skin/ }));
  expect(onHidden).toHaveBeenCalledWith(new Set([1]));
  expect(onHighlight).toHaveBeenLastCalledWith(null);
});

it("switches all off and on", async () => {
  const { onHidden } = show();
  await userEvent.click(screen.getByRole("button", { name: "None" }));
  expect(onHidden).toHaveBeenLastCalledWith(new Set([1, 2]));
  await userEvent.click(screen.getByRole("button", { name: "All" }));
  expect(onHidden).toHaveBeenLastCalledWith(new Set());
});

it("makes the part under the pointer stand out", async () => {
  const { onHighlight } = show();
  await userEvent.hover(screen.getByText("Left eye"));
  expect(onHighlight).toHaveBeenLastCalledWith(2);
});
