/** Parsing in the browser: nothing is sent, and the labels equal the service's. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ask, parseFile, SAMPLE, shoot, withPage } from "./browser.mjs";

const LEAST_EQUAL = 0.995;

/** Cuts of the sample as PNGs: x, y, width, height of what is cut, and the width it is scaled to. */
const PHOTOS = [
  [0, 0, 512, 512, 512],
  [130, 20, 200, 200, 200],
  [100, 0, 250, 400, 1250],
  [60, 30, 330, 180, 990],
  [150, 40, 140, 170, 90],
];

async function makePhotos(page) {
  const folder = mkdtempSync(join(tmpdir(), "face-parts-"));
  const files = [SAMPLE];
  for (const [index, cut] of PHOTOS.entries()) {
    const base64 = await page.evaluate(async ([x, y, width, height, target]) => {
      const picture = await createImageBitmap(await (await fetch("/samples/astronaut.jpg")).blob());
      const canvas = document.createElement("canvas");
      canvas.width = target;
      canvas.height = Math.round((height * target) / width);
      canvas.getContext("2d").drawImage(picture, x, y, width, height, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/png").split(",")[1];
    }, cut);
    files.push(join(folder, `${index}.png`));
    writeFileSync(files.at(-1), Buffer.from(base64, "base64"));
  }
  return files;
}

/** The share of pixels of two PNGs that are equal. */
function equalShare(page, one, other) {
  return page.evaluate(async (pictures) => {
    const [a, b] = await Promise.all(
      pictures.map(async (base64) => {
        const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]));
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
        context.drawImage(bitmap, 0, 0);
        return new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
      }),
    );
    if (a.length !== b.length) return 0;
    let equal = 0;
    for (let at = 0; at < a.length; at += 1) equal += a[at] === b[at];
    return equal / a.length;
  }, [one.toString("base64"), other.toString("base64")]);
}

test("on this device: nothing sent, the same labels, a frame to move", async () => {
  await withPage({}, async (page) => {
    const sent = [];
    page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
    await page.getByText("On this device").click();
    for (const file of await makePhotos(page)) {
      await parseFile(page, file);
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Mask", exact: true }).click()]);
      const share = await equalShare(page, readFileSync(await download.path()), await ask("output=mask&faces=whole", file));
      console.log(`${file}: ${(100 * share).toFixed(3)} % of the pixels equal`);
      assert.ok(share >= LEAST_EQUAL, `${file}: ${share}`);
    }
    await parseFile(page);
    const before = await page.getByTestId("crop-frame").boundingBox();
    await page.getByTestId("crop-frame").focus();
    for (let presses = 0; presses < 4; presses += 1) await page.keyboard.press("-");
    await page.keyboard.press("ArrowUp");
    await page.getByTestId("progress").waitFor({ state: "detached" });
    const after = await page.getByTestId("crop-frame").boundingBox();
    assert.ok(after.width < before.width && after.y < before.y + (before.height - after.height) / 2);
    await shoot(page, "device");
    assert.deepEqual(sent, []);
  });
});

test("a model that cannot be had: said, and the service is one switch away", async () => {
  await withPage({ allowErrors: true }, async (page) => {
    await page.route("**/model.onnx", (route) => route.fulfill({ status: 404 }));
    await page.getByText("On this device").click();
    await page.getByRole("button", { name: "Sample" }).click();
    await page.locator("[role=alert][data-code=no_local_model]").waitFor();
    await page.getByText("On this device").click();
    await page.getByRole("button", { name: "JSON" }).waitFor();
  });
});
