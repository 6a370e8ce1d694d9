/** What a person chose or has stays: where photos are parsed, and the results there are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { download, onDevice, parseFile, place, SAMPLE, sentPhotos, shoot, withPage } from "./browser.mjs";

const TIFF = new URL("fixtures/drawn.tiff", import.meta.url).pathname;
const sample = readFileSync(SAMPLE);
const give = (page, name, buffer = sample) =>
  page.getByLabel("Photo file").setInputFiles({ name, mimeType: "image/jpeg", buffer });
const photo = (page, name) => page.getByRole("img", { name: `Your photo, ${name}` });
const parsed = (page) => page.getByTestId("progress").waitFor({ state: "detached" });
const isOnDevice = (page) => place(page, "On this device").isChecked();

test("while the switch says on this device, nothing of a photo is sent", async () => {
  await withPage({}, async (page) => {
    const sent = sentPhotos(page);
    await parseFile(page);
    assert.equal(sent.length, 1, "in the service");

    await onDevice(page);
    await page.getByText(/m?s on this device/).waitFor();
    await give(page, "here.jpg");
    await photo(page, "here.jpg").waitFor();
    await parsed(page);

    await page.getByRole("button", { name: "Show astronaut.jpg" }).click();
    await photo(page, "astronaut.jpg").waitFor();
    assert.ok(await isOnDevice(page), "a result that is looked at switches nothing");

    await give(page, "next.jpg");
    await photo(page, "next.jpg").waitFor();
    await parsed(page);
    await page.reload();
    await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
    assert.ok(await isOnDevice(page), "kept over a reload");
    await parseFile(page);
    await page.getByText(/m?s on this device/).waitFor();
    for (const name of ["Mask", "Overlay", "One mask per part (zip)", "JSON"]) await download(page, name);
    assert.equal(sent.length, 1, sent.join());

    await place(page, "In the service").click();
    await page.getByText(/m?s in the service/).waitFor();
    assert.equal(sent.length, 2, "sent again after a click");
  });
});

test("files of a result from the service are drawn here while photos stay on this device", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    const { bytes: json } = await download(page, "JSON");
    await give(page, "other.jpg");
    await photo(page, "other.jpg").waitFor();
    await parsed(page);
    await onDevice(page);
    await page.getByText(/m?s on this device/).waitFor();
    const sent = sentPhotos(page);
    await page.getByRole("button", { name: "Show astronaut.jpg" }).click();
    await page.getByText(/m?s in the service/).waitFor();
    const { classes, faces } = JSON.parse((await download(page, "JSON")).bytes);
    assert.deepEqual([classes, faces], [JSON.parse(json).classes, JSON.parse(json).faces]);
    for (const name of ["Mask", "Overlay", "One mask per part (zip)"]) await download(page, name);
    assert.deepEqual(sent, []);
  });
});

test("switched to this device while a photo is being opened: it is not sent", async () => {
  await withPage({}, async (page) => {
    const sent = sentPhotos(page);
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route("**/samples/*", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await page.getByTestId("progress").waitFor();
    await onDevice(page);
    release();
    await page.getByText(/m?s on this device/).waitFor();
    assert.deepEqual(sent, []);
  });
});

test("a lost runtime: said plainly, and another try fetches it", async () => {
  const library = /wasm|ArrayBuffer|Aborted/; // onnxruntime-web's own lines
  await withPage({ library }, async (page, browser) => {
    await onDevice(page);
    // its size may be asked for
    await browser.route("**/*.wasm", (route) =>
      route.request().method() === "HEAD" ? route.continue() : route.abort(),
    );
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    const told = page.locator("[role=alert][data-code=no_runtime]");
    await told.waitFor();
    assert.doesNotMatch(await told.innerText(), /Error|wasm|backend/);
    await shoot(page, "no-runtime");
    await browser.unroute("**/*.wasm");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText(/m?s on this device/).waitFor();
  });
});

test("a photo that fails or is cancelled leaves the last result; the same photo is kept once", async () => {
  await withPage({ refusals: [422] }, async (page) => {
    await parseFile(page);
    await give(page, "cut.jpg", sample.subarray(0, 20_000));
    await page.locator("[role=alert][data-code=broken_image]").waitFor();
    await page.getByText("cut.jpg").waitFor();
    await photo(page, "astronaut.jpg").waitFor();
    await page.getByTestId("label-canvas").waitFor();
    await shoot(page, "kept");
    await page.getByRole("button", { name: "Close" }).click();

    await page.route("**/api/segment/**", () => undefined, { times: 1 });
    await give(page, "slow.jpg");
    await photo(page, "slow.jpg").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await photo(page, "astronaut.jpg").waitFor();
    await page.getByRole("button", { name: "JSON", exact: true }).waitFor();

    await parseFile(page, TIFF);
    for (let times = 0; times < 4; times += 1) {
      await parseFile(page);
      await photo(page, "astronaut.jpg").waitFor();
    }
    assert.equal(await page.getByRole("button", { name: /^Show / }).count(), 2);
  });
});
