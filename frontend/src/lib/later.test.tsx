import { render, screen } from "@testing-library/react";
import { Suspense } from "react";
import { expect, it, vi } from "vitest";
import { later, ScriptMissing } from "./later";

const Slow = () => <b>slow</b>;

it("what is around it does not wait for it", async () => {
  let come: (component: typeof Slow) => void = () => undefined;
  const Later = later(() => new Promise<typeof Slow>((resolve) => (come = resolve)));
  render(
    <Suspense fallback="nothing yet">
      <i>quick</i>
      <Later />
    </Suspense>,
  );
  expect(screen.getByText("quick")).toBeVisible();
  expect(screen.queryByText("nothing yet")).toBeNull();
  come(Slow);
  expect(await screen.findByText("slow")).toBeVisible();
});

it("what was fetched ahead is there at once", async () => {
  const Later = later(() => Promise.resolve(Slow));
  await Later.ahead();
  render(<Later />);
  expect(screen.getByText("slow")).toBeVisible();
});

it("what cannot be fetched leaves all else as it is, is told, and is tried again the next time", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined); // React tells of what is caught
  const load = vi.fn(() => Promise.resolve(Slow)).mockRejectedValueOnce(new Error("no such script"));
  const closed = vi.fn();
  const told = vi.fn();
  const Later = later<{ onClose: () => void }>(load, ({ onClose }) => onClose());
  const page = (open: boolean) => (
    <ScriptMissing value={told}>
      <i>quick</i>
      {open && <Later onClose={closed} />}
    </ScriptMissing>
  );
  const { rerender } = render(page(true));
  await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
  expect(told).toHaveBeenCalledOnce();
  expect(screen.getByText("quick")).toBeVisible();
  rerender(page(false));
  rerender(page(true));
  expect(await screen.findByText("slow")).toBeVisible();
});

it("an error of the component itself is not taken for a missing script", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const Broken = () => {
    throw new Error("broken");
  };
  const Later = later(() => Promise.resolve(Broken));
  await Later.ahead();
  expect(() => render(<Later />)).toThrow("broken");
});
