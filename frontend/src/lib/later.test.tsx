import { render, screen } from "@testing-library/react";
import { Suspense } from "react";
import { expect, it } from "vitest";
import { later } from "./later";

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
