/** Where the keyboard goes on when what had its focus is gone. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseFile, SAMPLE, withPage } from "./browser.mjs";

const focused = (page) =>
  page.evaluate(() => document.activeElement.dataset.testid ?? document.activeElement.tagName);
const press = async (page, name) => {
  await page.getByRole("button", { name, exact: true }).focus();
  await page.keyboard.press("Enter");
};

test("a box that is drawn or not: on its frame, or on the stage", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    await press(page, "Draw a box");
    await page.getByTestId("draw-part").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("draw-part").waitFor({ state: "detached" });
    assert.equal(await focused(page), "stage");
    await press(page, "Draw a box");
    await page.getByTestId("draw-part").waitFor();
    await page.keyboard.press("Enter");
    await page.getByTestId("part-frame").waitFor();
    await page.getByTestId("progress").waitFor({ state: "detached" });
    assert.equal(await focused(page), "part-frame");
  });
});

test("what is cancelled or closed: on the stage", async () => {
  await withPage({ refusals: [422] }, async (page) => {
    await page.route("**/api/segment/**", () => undefined, { times: 1 });
    await page.getByLabel("Photo file").setInputFiles(SAMPLE);
    await page.getByTestId("progress").waitFor();
    await press(page, "Cancel");
    await page.getByTestId("progress").waitFor({ state: "detached" });
    assert.equal(await focused(page), "stage");
    const buffer = readFileSync(SAMPLE).subarray(0, 20_000);
    await page.getByLabel("Photo file").setInputFiles({ name: "cut.jpg", mimeType: "image/jpeg", buffer });
    await page.locator("[role=alert][data-code=broken_image]").waitFor();
    await press(page, "Close");
    await page.locator("[role=alert][data-code]").waitFor({ state: "detached" });
    assert.equal(await focused(page), "stage");
  });
});
