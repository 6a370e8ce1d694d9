/** What goes wrong is told in words, with the way on. */
import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { onDevice, parseFile, SAMPLE, sentPhotos, shoot, withPage } from "./browser.mjs";

const sample = readFileSync(SAMPLE);
const give = (page, name, buffer, mimeType = "image/jpeg") =>
  page.getByLabel("Photo file").setInputFiles({ name, mimeType, buffer });
const told = (page, code) => page.locator(`[role=alert][data-code=${code}]`).waitFor();

const problem = (status, type, headers = {}) => ({
  status,
  headers: { "content-type": "application/problem+json", ...headers },
  body: JSON.stringify({ type, title: "", status, detail: "", request_id: "0123" }),
});

test("what the service refuses: real answers", async () => {
  await withPage({ refusals: [413, 415, 422] }, async (page) => {
    await give(page, "text.jpg", Buffer.from("hello ".repeat(100)));
    await told(page, "unsupported_image");
    await give(page, "cut.jpg", sample.subarray(0, 20_000));
    await told(page, "broken_image");
    await shoot(page, "trouble");
    await page.getByRole("button", { name: "Close" }).click();
    await give(page, "large.jpg", Buffer.concat([sample, randomFillSync(Buffer.alloc(18 << 20))]));
    await page.locator("[role=alert][data-code]").waitFor();
    assert.match(await page.locator("[role=alert][data-code]").innerText(), /18 MB/);
    await parseFile(page);
    assert.equal(await page.locator("[role=alert][data-code]").count(), 0);
  });
});

test("what the page refuses itself sends nothing", async () => {
  await withPage({}, async (page) => {
    page.on("request", (request) => assert.notEqual(request.method(), "POST"));
    await give(page, "empty.jpg", Buffer.alloc(0));
    await told(page, "empty_file");
    await give(page, "letter.txt", Buffer.from("hello"), "text/plain");
    await told(page, "not_a_photo");
  });
});

test("HEIC, which some services and browsers read: where it is not, how to have a JPEG", async () => {
  await withPage({ refusals: [415] }, async (page) => {
    const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1");
    const notRead = (route) => route.fulfill(problem(415, "unsupported_image")); // pillow-heif may be here
    await page.route("**/api/segment/**", notRead, { times: 1 });
    await give(page, "photo.heic", heic, "image/heic");
    await told(page, "heic");
    await onDevice(page);
    const sent = sentPhotos(page);
    await give(page, "photo.heic", heic, "");
    await told(page, "heic");
    assert.deepEqual(sent, []);
  });
});

test("busy: waits as long as asked, then tries again", async () => {
  await withPage({ refusals: [503] }, async (page) => {
    await page.route(
      "**/api/segment/**",
      (route) => route.fulfill(problem(503, "too_busy", { "retry-after": "2" })),
      { times: 1 },
    );
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await told(page, "too_busy");
    await page.getByRole("button", { name: /^Try again in/ }).waitFor();
    await shoot(page, "busy");
    await page.getByRole("button", { name: "Try again", exact: true }).click();
    await page.getByTestId("label-canvas").waitFor();
  });
});

test("no service: said, and tried again", async () => {
  await withPage({ refusals: ["ERR_FAILED"] }, async (page) => {
    await page.route("**/api/segment/**", (route) => route.abort(), { times: 1 });
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await told(page, "unreachable");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByTestId("label-canvas").waitFor();
  });
});

const post = (page, act, times = 1) => page.route("**/api/segment/**", act, { times });
const gone = (page) => page.locator("[role=alert][data-code]").waitFor({ state: "detached" });
const again = (page) => page.getByRole("button", { name: "Try again", exact: true }).click();
const photo = (page, name) => page.getByRole("img", { name: `Your photo, ${name}` });

test("an answer that is not the service's", async () => {
  await withPage({ refusals: [502] }, async (page) => {
    for (const answer of [{ contentType: "text/html", body: "<html>Log in</html>" }, { json: {} }]) {
      await post(page, (route) => route.fulfill(answer));
      await give(page, "photo.jpg", sample);
      await told(page, "unexpected_answer");
    }
    await post(page, (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<html>" }));
    await again(page);
    await told(page, "unreachable");
    await again(page);
    await page.getByTestId("label-canvas").waitFor();
  });
});

test("no class table: said, closed, said again with the first result; another try colours it", async () => {
  await withPage({ refusals: [503] }, async (page) => {
    await page.route("**/api/models/**", (route) =>
      route.fulfill(problem(503, "not_ready", { "retry-after": "1" })),
    );
    await page.reload();
    await told(page, "not_ready");
    await page.getByRole("button", { name: "Close" }).click();
    await gone(page);
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await page.getByTestId("label-canvas").waitFor();
    await told(page, "not_ready");
    await page.unroute("**/api/models/**");
    await again(page);
    await page.getByRole("checkbox", { name: /Hair.*share \d/ }).waitFor();
  });
});

test("a download that failed: another try downloads it", async () => {
  await withPage({ refusals: [429] }, async (page) => {
    await parseFile(page);
    await post(page, (route) => route.fulfill(problem(429, "rate_limited", { "retry-after": "1" })));
    await page.getByRole("button", { name: "Mask", exact: true }).click();
    await told(page, "rate_limited");
    const [file] = await Promise.all([page.waitForEvent("download"), again(page)]);
    assert.equal(file.suggestedFilename(), "astronaut-mask.png");
    await gone(page);
  });
});

test("a lost sample: another try gets it; a late one does not replace a photo given meanwhile", async () => {
  await withPage({ refusals: ["ERR_FAILED", 404] }, async (page) => {
    await page.route("**/samples/*", (route) => route.fulfill({ status: 404 }), { times: 1 });
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await told(page, "no_sample");
    await page.route("**/samples/*", (route) => route.abort(), { times: 1 });
    await again(page);
    await told(page, "unreachable");
    await again(page);
    await photo(page, "astronaut.jpg").waitFor();
    await page.route(
      "**/samples/*",
      (route) => setTimeout(() => route.continue().catch(() => undefined), 800),
      { times: 1 },
    );
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await give(page, "mine.jpg", sample);
    await photo(page, "mine.jpg").waitFor();
    await page.waitForTimeout(1500);
    assert.equal(await photo(page, "mine.jpg").count(), 1);
  });
});

test("several photos, quickly: the last one is shown, whatever is answered when", async () => {
  await withPage({}, async (page) => {
    let asked = 0;
    await page.route("**/api/segment/**", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, [1200, 700, 0][asked++]));
      await route.continue().catch(() => undefined);
    });
    for (const name of ["one.jpg", "two.jpg", "three.jpg"]) {
      await give(page, name, sample);
      await photo(page, name).waitFor();
    }
    await page.getByRole("button", { name: "JSON", exact: true }).waitFor();
    await page.waitForTimeout(1500);
    assert.equal(await photo(page, "three.jpg").count(), 1);
    assert.equal(await page.getByRole("button", { name: /^Show / }).count(), 0, "one result");
  });
});

test("cancelled: nothing goes on, and the photo can be parsed after all", async () => {
  await withPage({}, async (page) => {
    await post(page, () => undefined);
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await photo(page, "astronaut.jpg").waitFor();
    await page.getByTestId("result-skeleton").waitFor();
    await shoot(page, "working");
    const ended = page.waitForEvent("requestfailed");
    await page.getByRole("button", { name: "Cancel" }).click();
    await ended;
    await page.getByTestId("progress").waitFor({ state: "detached" });
    await shoot(page, "cancelled");
    await page.getByRole("button", { name: "Find face parts" }).click();
    await page.getByTestId("label-canvas").waitFor();
  });
});
