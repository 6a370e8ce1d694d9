/** Services of other kinds: with keys, with several models, at another origin than the page. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { choose, download, onDevice, sentPhotos, settled, shoot, withPage } from "./browser.mjs";
import { ROOT, withService, withStaticHost } from "./service.mjs";

const told = (page, code) => page.locator(`[role=alert][data-code=${code}]`).waitFor();

test("a service with keys: asks, refuses a wrong one, takes the right one; on the device too", async () => {
  await withService({}, async (base, manage) => {
    const right = manage("create_api_key", "browser").trim().split(/\s+/).at(-1);
    await withPage({ base, refusals: [401, 403] }, async (page) => {
      await told(page, "api_key_missing");
      await page.getByRole("button", { name: "Sample", exact: true }).click();
      await page.getByRole("img", { name: /astronaut/ }).waitFor();
      await told(page, "api_key_missing");
      await shoot(page, "api-key");
      const enter = async (key) => {
        await page.getByLabel("API key").fill(key);
        await page.getByRole("button", { name: "Use it" }).click();
      };
      await enter("wrong");
      await told(page, "api_key_invalid");
      await enter(right);
      await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
      await settled(page);
      assert.match(await page.getByTestId("code").innerText(), /Api-Key \$API_KEY/);
      const { bytes } = await download(page, "Mask");
      assert.equal(bytes.toString("latin1", 1, 4), "PNG");
      await page.getByText("On this device").click();
      await page.getByTestId("device-note").waitFor();
      await page.getByText(/m?s on this device/).waitFor();
    });
  });
});

/** A MODELS_DIR with the shipped bundle, and one of the shipped ones by another name. */
function twoModels(bundle = "lite") {
  const folder = mkdtempSync(join(tmpdir(), "face-parts-models-"));
  symlinkSync(join(ROOT, "ml_core/bundles/lite"), join(folder, "lite"));
  symlinkSync(join(ROOT, "ml_core/bundles", bundle), join(folder, "other"));
  return folder;
}

test("several models: the chosen one is used by page, downloads, curl command and device", async () => {
  await withService({ MODELS_DIR: twoModels(), MODEL: "lite" }, async (base) => {
    await withPage({ base }, async (page) => {
      await page.getByRole("button", { name: "Sample", exact: true }).click();
      await settled(page);
      await page.getByText(/^Model lite/).waitFor();
      const asked = page.waitForRequest(/\/api\/segment\/\?.*model=other/);
      await choose(page, "Model", "other");
      await asked;
      await page.getByText(/^Model other/).waitFor();
      // the panel comes after the stage
      await page.getByTestId("code").filter({ hasText: "model=other" }).waitFor();
      const { bytes } = await download(page, "JSON");
      assert.equal(JSON.parse(bytes).model.name, "other");
      const fetched = page.waitForRequest(/\/api\/models\/other\/model\.onnx$/);
      await page.getByText("On this device").click();
      await fetched;
      await page.getByText(/m?s on this device/).waitFor();
      await shoot(page, "models");
    });
  });
});

test("two models compared on this device: nothing is sent, both are named", async () => {
  await withService({ MODELS_DIR: twoModels("lite-int8"), MODEL: "lite" }, async (base) => {
    await withPage({ base }, async (page) => {
      const sent = sentPhotos(page);
      await onDevice(page);
      await page.getByRole("button", { name: "Sample: a tilted head" }).click();
      await page.getByText(/m?s on this device/).waitFor();
      const fetched = page.waitForRequest(/\/api\/models\/other\/model\.onnx$/);
      await page.getByRole("button", { name: "Compare with other" }).click();
      await fetched;
      const names = page.getByTestId("compare-names");
      await names.locator("p").first().waitFor({ timeout: 180_000 });
      assert.match(await names.innerText(), /other: Fastest[^]*lite: Most exact/);
      assert.equal(await page.getByTestId("label-canvas").count(), 2);
      const pictures = await page
        .getByTestId("label-canvas")
        .evaluateAll((canvases) => canvases.map((canvas) => canvas.toDataURL()));
      assert.notEqual(pictures[0], pictures[1], "each model's own");
      await page.getByRole("button", { name: "Compare with other" }).click();
      await names.waitFor({ state: "detached" });
      assert.deepEqual(sent, []);
    });
  });
});

test("more faces than the service parses: said", async () => {
  await withService({ MODEL: "lite", MAX_FACES: "2" }, async (base) => {
    await withPage({ base }, async (page) => {
      await page.getByRole("button", { name: "Sample: a group of six" }).click();
      await page.getByText("The photo has 6 faces; the 2 largest are parsed.").waitFor();
    });
  });
});

test("the page of another origin, as on Vercel: photo to the service, model from the service", async () => {
  const folder = join(ROOT, "frontend/out-remote");
  assert.ok(existsSync(folder), "run `npm run build:remote` first");
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(
    readFileSync(join(folder, "index.html"), "utf8"),
  )[1];
  const api = /connect-src 'self' (\S+)/.exec(policy)[1].replace(/;$/, "");
  await withStaticHost(folder, async (base) => {
    await withService({ PORT: new URL(api).port, CORS_ALLOWED_ORIGINS: base }, async () => {
      await withPage({ base, origins: [api] }, async (page) => {
        const posted = page.waitForRequest((request) => request.method() === "POST");
        await page.getByRole("button", { name: "Sample", exact: true }).click();
        assert.equal(new URL((await posted).url()).origin, api);
        await settled(page);
        await page.getByRole("checkbox", { name: /Hair.*share \d/ }).waitFor();
        assert.ok((await page.getByTestId("code").innerText()).includes(api));
        await page.getByText("On this device").click();
        await page.getByText(/m?s on this device/).waitFor();
        assert.ok(await page.evaluate(() => crossOriginIsolated), "threads on this device");
        await shoot(page, "remote");
      });
    });
    await withPage({ base, origins: [api], refusals: ["ERR_CONNECTION_REFUSED"] }, (page) =>
      told(page, "unreachable"),
    );
  });
});
