/** While the switch says on this device, no path of the page sends anything of a photo. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { download, hand, models, onDevice, sentPhotos, SAMPLE, withPage } from "./browser.mjs";

const sample = readFileSync(SAMPLE);
const file = (name, mimeType = "image/jpeg") => ({ name, mimeType, buffer: sample });
const photo = (page, name) => page.getByRole("img", { name: `Your photo, ${name}` }).waitFor();
const parsed = async (page, name) => {
  await photo(page, name);
  await page.getByTestId("progress").waitFor({ state: "detached" });
  await page.getByText(/m?s on this device/).waitFor();
};

test("every way in, everything done with a result, every way out: nothing is sent", async () => {
  const permissions = ["camera", "clipboard-read", "clipboard-write"];
  await withPage({ permissions }, async (page) => {
    const sent = sentPhotos(page);
    const nothing = (after) => assert.deepEqual(sent, [], after);
    await onDevice(page);

    await page.getByRole("button", { name: "Sample: a tilted head" }).click();
    await parsed(page, "tilted.jpg");
    nothing("a sample");
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await parsed(page, "astronaut.jpg");
    await page.getByRole("button", { name: "Show tilted.jpg" }).click();
    await photo(page, "tilted.jpg");
    nothing("a recent photo");
    for (const kind of ["drop", "paste"]) {
      await hand(page, kind, `${kind}ed.jpg`);
      await parsed(page, `${kind}ed.jpg`);
      nothing(kind);
    }
    await page.getByRole("button", { name: "Camera" }).click();
    await page.getByTestId("frame-rate").waitFor();
    await page.getByRole("button", { name: "Take the photo" }).click();
    await photo(page, "camera.jpg");
    await page.getByTestId("no-face").waitFor();
    nothing("the camera, live and taken");
    await page.getByRole("button", { name: "Parse the whole picture" }).click();
    await page.getByTestId("no-face").waitFor({ state: "detached" });
    nothing("the whole picture");

    await page.getByLabel("Photo file").setInputFiles([file("one.jpg"), file("two.jpg")]);
    await page.getByTestId("batch").getByText("2 of 2 photos").waitFor();
    await download(page, "All masks (zip)");
    nothing("several photos");
    await page.getByRole("button", { name: "Close the list" }).click();

    await page.getByLabel("Photo file").setInputFiles(file("last.jpg"));
    await parsed(page, "last.jpg");
    if (models.length > 2) {
      await page.getByRole("button", { name: /^Compare with/ }).click();
      await page.getByTestId("compare-names").locator("p").first().waitFor({ timeout: 180_000 });
      nothing("another model");
    }
    await page.getByRole("region", { name: "Recolour" }).getByRole("button", { name: "Hair" }).click();
    await page.locator("[data-testid=recoloured][data-drawn]").waitFor();
    for (const name of ["Cut-out", "Recoloured photo", "Mask", "Overlay", "JSON", "One mask per part (zip)"])
      await download(page, name);
    await page.getByRole("button", { name: "Copy the cut-out" }).click();
    await page.getByText("Copied", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Read the JSON" }).click();
    await page
      .getByTestId("json")
      .getByText(/"faces"/)
      .waitFor();
    await page.keyboard.press("Escape");
    nothing("downloads and copies");

    await page.getByRole("button", { name: "Draw a box" }).click();
    await page.keyboard.press("Enter");
    await page.getByTestId("part-frame").waitFor();
    await page.getByTestId("progress").waitFor({ state: "detached" });
    nothing("a box");
    await page.getByLabel("Photo file").setInputFiles(file("letter.txt", "text/plain"));
    await page.getByTestId("progress").waitFor({ state: "detached" });
    await page.reload();
    await page.getByLabel("Photo file").setInputFiles(file("after.jpg"));
    await parsed(page, "after.jpg");
    nothing("after a reload");
  });
});

test("the switch says what it will fetch, and then that all is there; own colours are kept", async () => {
  await withPage({}, async (page) => {
    const cost = page.getByTestId("bytes-to-fetch");
    await cost.getByText(/\d+ MB once/).waitFor();
    const [, told] = /(\d+) MB/.exec(await cost.innerText());
    assert.ok(Number(told) > 5 && Number(told) < 60, told);
    await onDevice(page);
    await page.getByLabel("Photo file").setInputFiles(file("a.jpg"));
    await parsed(page, "a.jpg");
    await cost.getByText("ready").waitFor();
    await page.getByRole("button", { name: "Colour of hair" }).click();
    await page.getByRole("option").nth(4).click();
    await page.reload();
    await cost.getByText("ready").waitFor();
    await page.getByLabel("Photo file").setInputFiles(file("b.jpg"));
    await parsed(page, "b.jpg");
    await page.locator("[data-testid=outlines] [data-class-id='10'][stroke='#00acff']").waitFor();
  });
});
