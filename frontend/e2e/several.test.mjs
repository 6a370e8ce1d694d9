/** Several photos, other formats, no connection, keys, samples, paper, an address that is none. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  BASE_URL,
  download,
  models,
  onDevice,
  parseFile,
  PHONE,
  SAMPLE,
  sentPhotos,
  settled,
  shoot,
  until,
  withPage,
} from "./browser.mjs";
import { ROOT } from "./service.mjs";

const sample = readFileSync(SAMPLE);
const group = readFileSync(join(ROOT, "samples/group.jpg"));
const file = (name, buffer) => ({ name, mimeType: "image/jpeg", buffer });
const FILES = [
  file("one.jpg", sample),
  file("broken.jpg", sample.subarray(0, 20_000)),
  file("three.jpg", group),
];

for (const where of ["in the service", "on this device"]) {
  test(`three photos ${where}: a list with progress, one shown at a time, all as one zip`, async () => {
    const refusals = where === "in the service" ? [422] : [];
    await withPage({ refusals }, async (page) => {
      const sent = sentPhotos(page);
      if (where === "on this device") await onDevice(page);
      await page.getByLabel("Photo file").setInputFiles(FILES);
      const list = page.getByTestId("batch");
      await list.getByText("3 of 3 photos").waitFor({ timeout: 180_000 });
      await page.getByRole("img", { name: "Your photo, one.jpg" }).waitFor();
      assert.equal(await list.getByText("done", { exact: true }).count(), 2);
      await shoot(page, `several-${where.split(" ")[0]}`);
      await list.getByRole("button", { name: /three\.jpg/ }).click();
      await page.getByRole("img", { name: "Your photo, three.jpg" }).waitFor();
      await page.keyboard.press("p");
      await page.getByRole("img", { name: "Your photo, one.jpg" }).waitFor();
      const { name, bytes } = await download(page, "All masks (zip)");
      assert.equal(name, "masks.zip");
      const zip = join(mkdtempSync(join(tmpdir(), "face-parts-")), name);
      writeFileSync(zip, bytes);
      const members = execFileSync("python3", ["-m", "zipfile", "-l", zip], { encoding: "utf8" });
      assert.match(members, /01-one-mask\.png[\s\S]*02-three-mask\.png/);
      assert.equal(
        sent.some((url) => url.includes("/batch/")),
        where === "in the service",
      );
      if (where === "on this device") assert.deepEqual(sent, []);
      await list.getByRole("button", { name: "Close the list" }).click();
      await list.waitFor({ state: "detached" });
    });
  });
}

test("a folder that is dropped: its photos, and those in its folders; one without any is told", async () => {
  await withPage({}, async (page) => {
    const folder = mkdtempSync(join(tmpdir(), "face-parts-"));
    for (const name of ["inner", "empty"]) mkdirSync(join(folder, name));
    for (const name of ["b2.jpg", "b10.jpg", ".hidden.jpg", "inner/a.jpg"])
      writeFileSync(join(folder, name), sample);
    writeFileSync(join(folder, "letter.txt"), "hello");
    await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
    await dropPaths(page, [join(folder, "empty")]);
    await page.getByText("There is no photo in this folder").waitFor();
    await dropPaths(page, [folder]);
    const list = page.getByTestId("batch");
    await list.getByText("3 of 3 photos").waitFor();
    assert.equal(await page.locator("[role=alert][data-code]").count(), 0);
    const names = await list.getByRole("button", { name: /\.jpg/ }).allInnerTexts();
    assert.deepEqual(
      names.map((text) => /\w+\.jpg/.exec(text)[0]),
      ["b2.jpg", "b10.jpg", "a.jpg"],
    );
  });
});

/** Drag files and folders from outside of the browser onto the page. */
async function dropPaths(page, files) {
  const cdp = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "dragOver", "drop"]) {
    await cdp.send("Input.dispatchDragEvent", { type, x: 500, y: 400, data });
    await page.waitForTimeout(100); // what is under the pointer has changed
  }
}

test("several photos, switched to this device on the way: nothing is sent from then on", async () => {
  await withPage({}, async (page) => {
    const sent = sentPhotos(page);
    await page.route("**/api/segment/**", () => undefined);
    await page.getByLabel("Photo file").setInputFiles([file("a.jpg", sample), file("b.jpg", sample)]);
    await page.getByTestId("batch").getByText("being parsed").waitFor();
    await onDevice(page);
    await page.getByTestId("batch").getByText("2 of 2 photos").waitFor();
    assert.equal(sent.length, 1, sent.join());
  });
});

test("files under way to the service: with the switch they end there, and are drawn here", async () => {
  await withPage({}, async (page) => {
    const sent = sentPhotos(page);
    await page.getByLabel("Photo file").setInputFiles([file("a.jpg", sample), file("b.jpg", sample)]);
    await page.getByTestId("batch").getByText("2 of 2 photos").waitFor();
    await settled(page);
    const before = sent.length;
    await page.route("**/api/segment/**", () => undefined);
    for (const [name, button] of [
      ["masks.zip", "All masks (zip)"],
      ["a-mask.png", "Mask"],
    ]) {
      const saved = page.waitForEvent("download");
      const asked = sent.length;
      await page.getByRole("button", { name: button, exact: true }).click();
      while (sent.length === asked) await page.waitForTimeout(50);
      await onDevice(page);
      assert.equal((await saved).suggestedFilename(), name);
      await page.getByTestId("progress").waitFor({ state: "detached" });
      assert.equal(sent.length, asked + 1, sent.join());
      await page.unroute("**/api/segment/**");
      await page.getByText("In the service", { exact: true }).click();
      await page.getByText(/m?s in the service/).waitFor();
      await page.route("**/api/segment/**", () => undefined);
    }
    assert.ok(sent.length > before);
  });
});

test("no connection: the page comes back and parses here; the service is called offline", async () => {
  const options = { serviceWorkers: "allow", library: /ERR_INTERNET_DISCONNECTED/ };
  await withPage(options, async (page, browser) => {
    await onDevice(page);
    await parseFile(page);
    await page.getByText(/m?s on this device/).waitFor();
    const kept = async (all) => (await (await caches.open("models-2")).keys()).length === all;
    await until(page, kept, models.length + 1); // and their list
    await browser.setOffline(true);
    await page.reload();
    await parseFile(page);
    await page.getByText(/m?s on this device/).waitFor();
    await shoot(page, "offline");
    await page.getByText("In the service", { exact: true }).click();
    await page.locator("[role=alert][data-code=offline]").waitFor();
    await browser.setOffline(false);
  });
});

test("storage that is full: what the service says of its models is taken all the same", async () => {
  await withPage({ serviceWorkers: "allow" }, async (page, browser) => {
    await onDevice(page);
    await parseFile(page);
    await until(page, async () => (await (await caches.open("models-2")).keys()).length > 1);
    const devtools = await browser.newCDPSession(page);
    const { origin } = new URL(page.url());
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
    await page.evaluate(() => caches.delete("models-2"));
    await page.reload();
    await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
    assert.equal(await page.locator("[role=alert][data-code]").count(), 0);
    assert.deepEqual(
      await page.evaluate(async () => (await (await caches.open("models-2")).keys()).length),
      0,
    );
  });
});

test("a script that cannot be fetched is told; the result stays, and later it comes", async () => {
  const library = /ERR_INTERNET_DISCONNECTED|could not be fetched/;
  await withPage({ library }, async (page, browser) => {
    await parseFile(page);
    await browser.setOffline(true);
    await page.keyboard.press("?");
    await page.locator("[role=alert][data-code=script_missing]").waitFor();
    await page.getByRole("region", { name: "Recolour" }).getByRole("button", { name: "Hair" }).click();
    await page.getByTestId("label-canvas").waitFor({ state: "attached" });
    await page.getByRole("img", { name: "Your photo, astronaut.jpg" }).waitFor();
    await browser.setOffline(false);
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("The photo as it was").waitFor();
  });
});

test("AVIF, as it is, in the service and on this device; a damaged one is told in words", async () => {
  const avif = (name, buffer) => ({ name, mimeType: "image/avif", buffer });
  const portrait = avif("portrait.avif", readFileSync(new URL("fixtures/portrait.avif", import.meta.url)));
  const damaged = avif("damaged.avif", Buffer.from("\0\0\0\x18ftypavif\0\0\0\0mif1avif", "latin1"));
  await withPage({ refusals: [422] }, async (page) => {
    for (const [where, code] of [
      ["in the service", "broken_image"],
      ["on this device", "not_readable_here"],
    ]) {
      if (where === "on this device") await onDevice(page);
      await page.getByLabel("Photo file").setInputFiles(portrait);
      await page.getByRole("img", { name: "Your photo, portrait.avif" }).waitFor();
      await page.getByText(new RegExp(`m?s ${where}`)).waitFor();
      await page.getByRole("button", { name: /^Face 1/ }).waitFor();
      await page.getByLabel("Photo file").setInputFiles(damaged);
      const told = page.locator(`[role=alert][data-code=${code}]`);
      await told.waitFor();
      assert.doesNotMatch(await told.innerText(), /Error\b/, "the browser's own words");
    }
  });
});

test("keys: ? lists them, holding space shows the photo as it was", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("The photo as it was").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.evaluate(() => document.activeElement?.blur());
    const canvas = page.getByTestId("label-canvas");
    await page.keyboard.down("Space");
    await canvas.waitFor({ state: "hidden" });
    for (const over of ["outlines", "face-box", "split-handle"])
      assert.ok(await page.getByTestId(over).first().isHidden(), over);
    await page.keyboard.up("Space");
    await canvas.waitFor();
    await page.keyboard.press("b");
    await page.getByTestId("draw-part").waitFor();
    await page.keyboard.press("Escape");
    await page.getByTestId("draw-part").waitFor({ state: "detached" });
  });
});

test("the samples: one of them a group", async () => {
  await withPage({}, async (page) => {
    const strip = page.getByTestId("samples");
    assert.equal(await strip.getByRole("button").count(), 4);
    await strip.getByRole("button", { name: "Sample: a group of six" }).click();
    await page.getByRole("img", { name: "Your photo, group.jpg" }).waitFor();
    await page.getByRole("button", { name: /^Face 6/ }).waitFor();
  });
});

test("an address that is none: a page of words, with the way back", async () => {
  await withPage({ path: "/nope", refusals: [404] }, async (page) => {
    await page.getByRole("heading", { name: "There is no such page" }).waitFor();
    await shoot(page, "404");
    await page.getByRole("link").click();
    await page.getByTestId("stage").waitFor();
  });
  const answer = await fetch(`${BASE_URL}/api/nope`, { headers: { Accept: "text/html" } });
  assert.match(answer.headers.get("content-type"), /problem\+json/);
});

test("on a phone a face's button brings the stage into sight", async () => {
  await withPage(PHONE, async (page) => {
    await parseFile(page, join(ROOT, "samples/group.jpg"));
    await page.getByText("Faces", { exact: true }).click();
    const face = page.getByRole("button", { name: /^Face 2/ });
    await face.scrollIntoViewIfNeeded();
    await page.mouse.wheel(0, 2000);
    await face.click();
    await page.waitForFunction(() => {
      const { top, bottom } = document.querySelector("[data-testid=stage]").getBoundingClientRect();
      return bottom > 100 && top < innerHeight - 100;
    });
  });
});

test("on paper there are no buttons", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("button:visible").count(), 0);
    assert.ok(await page.getByRole("group", { name: "Zoom", exact: true, includeHidden: true }).isHidden());
    await page.getByRole("img", { name: /Your photo/ }).waitFor();
  });
});
