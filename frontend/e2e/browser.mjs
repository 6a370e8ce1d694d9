/** A browser for the tests, and a page that remembers what must not happen. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const BASE_URL = process.env.BASE_URL ?? "http://127.0.0.1:8000";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const SCREENSHOTS = new URL("screenshots/", import.meta.url).pathname;
/** As a phone has it: a finger, which the browser has to be told of apart from the touches. */
export const PHONE = {
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  isMobile: true,
  args: [
    "--blink-settings=primaryPointerType=2,availablePointerTypes=2,primaryHoverType=1,availableHoverTypes=1",
  ],
};
export const SAMPLE = new URL("../public/samples/astronaut.jpg", import.meta.url).pathname;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
];

/**
 * Call `work` with a page on the app, then check that it asked no foreign origin and logged no error.
 * `refusals`: errors that the browser logs for answers the test provokes, such as 415 or ERR_FAILED; each of
 * them must come, and no other. `origins`: those that may be asked beside the page's own. `library`: what a
 * library may log. `args`: more of the browser's flags.
 */
export async function withPage(options, work) {
  const {
    base = BASE_URL,
    path = "/",
    refusals = [],
    origins = [],
    library,
    args = [],
    ...context
  } = options;
  const profile = await mkdtemp(join(tmpdir(), "face-parts-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: [...FLAGS, ...args],
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    serviceWorkers: "block",
    ...context,
  });
  const errors = [];
  const foreign = [];
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => {
    if (message.type() === "error" && !library?.test(message.text())) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && ![new URL(base).origin, ...origins].includes(origin))
      foreign.push(request.url());
  });
  try {
    await page.goto(base + path);
    await work(page, browser);
    assert.deepEqual(foreign, [], "requests to foreign origins");
    const refused = (error) =>
      refusals.find((code) => new RegExp(`^Failed to load resource: .*\\b${code}\\b`).test(error));
    assert.deepEqual(
      errors.filter((error) => !refused(error)),
      [],
      "errors in the console",
    );
    assert.deepEqual(new Set(errors.map(refused)), new Set(refusals), "refusals");
  } catch (error) {
    await shoot(page, "failed").catch(() => undefined);
    if (errors.length) console.error(errors.join("\n"));
    throw error;
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

export async function shoot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/** Give the page a file and wait for the result. */
export async function parseFile(page, file = SAMPLE) {
  await page.getByLabel("Photo file").setInputFiles(file);
  await page.getByTestId("label-canvas").waitFor();
  await page.getByTestId("progress").waitFor({ state: "detached" });
  await settled(page);
}

/** Wait for what is shown a moment after the parts: it comes all at once, panel and handle. */
export function settled(page) {
  return page.getByRole("slider", { name: "Before and after" }).waitFor();
}

/** Wait until `check` gives true in the page; unlike `waitForFunction`, which takes any promise for true. */
export async function until(page, check, argument) {
  const end = Date.now() + 60_000;
  while (!(await page.evaluate(check, argument))) {
    if (Date.now() > end) throw new Error(`not within a minute: ${check}`);
    await page.waitForTimeout(100);
  }
}

/** Drop or paste the sample, anywhere on the page. `kind`: "drop" or "paste". */
export function hand(page, kind, name) {
  return page.evaluate(
    ([kind, name, base64]) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      data.items.add(new File([bytes], name, { type: "image/jpeg" }));
      const common = { bubbles: true, cancelable: true };
      document.body.dispatchEvent(
        kind === "drop"
          ? new DragEvent("drop", { dataTransfer: data, ...common })
          : new ClipboardEvent("paste", { clipboardData: data, ...common }),
      );
    },
    [kind, name, readFileSync(SAMPLE).toString("base64")],
  );
}

/** The place where photos are parsed: "In the service" or "On this device". */
export const place = (page, name) => page.getByRole("radio", { name: new RegExp(`^${name}`) });

/** How far the photo is enlarged, in per cent: 100 shows one pixel as one. */
export const zoomOf = async (page) =>
  parseInt(await page.getByRole("button", { name: /one pixel as one/ }).innerText());

/** Choose one of a few. */
export function choose(page, label, option) {
  const group = page.getByRole("radiogroup", { name: label, exact: true });
  return group.getByRole("radio", { name: option, exact: true }).click();
}

/** Press a download's button; its name and bytes. */
export async function download(page, label) {
  const button = page.getByRole("button", { name: label, exact: true });
  const [file] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

/** What the API itself answers to a photo. */
export async function ask(query, file = SAMPLE) {
  const form = new FormData();
  form.append("image", new Blob([readFileSync(file)], { type: "image/jpeg" }), "photo.jpg");
  const response = await fetch(`${BASE_URL}/api/segment/?${query}`, { method: "POST", body: form });
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

export const models = await (await fetch(`${BASE_URL}/api/models/`)).json();
const byDefault = models.find((row) => row.default).name;
/** Which of the service's models the device runs for its default one: see src/state/model-for.ts. */
export const deviceModel = models.some(({ name }) => `${name}-int8` === byDefault)
  ? byDefault.replace(/-int8$/, "")
  : byDefault;

/** Have photos parsed on this device. */
export function onDevice(page) {
  return place(page, "On this device").click();
}

/** The addresses of all requests that could carry a photo, as they are made. */
export function sentPhotos(page) {
  const sent = [];
  page.context().on("request", (request) => {
    if (!["GET", "HEAD"].includes(request.method())) sent.push(request.url());
  });
  return sent;
}

/** The RGBA of a PNG, where it is decoded: in the page. */
export function pixelsOf(page, png) {
  return page.evaluateHandle(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { width: bitmap.width, height: bitmap.height, data };
  }, png.toString("base64"));
}

/** The share of pixels of two PNGs that are equal; 0 if they differ in size. */
export async function equalShare(page, one, other) {
  const both = await Promise.all([one, other].map((png) => pixelsOf(page, png)));
  return page.evaluate(([a, b]) => {
    if (a.width !== b.width || a.height !== b.height) return 0;
    const [left, right] = [a, b].map(({ data }) => new Uint32Array(data.buffer));
    return left.reduce((sum, pixel, at) => sum + (pixel === right[at]), 0) / left.length;
  }, both);
}
