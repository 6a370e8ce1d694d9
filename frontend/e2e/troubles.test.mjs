/** What goes wrong is told in words, with the way on. */
import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseFile, SAMPLE, shoot, withPage } from "./browser.mjs";

const sample = readFileSync(SAMPLE);
const give = (page, name, buffer, mimeType = "image/jpeg") => page.getByLabel("Photo file").setInputFiles({ name, mimeType, buffer });
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
    await give(page, "photo.heic", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), "image/heic");
    await told(page, "heic");
    await give(page, "letter.txt", Buffer.from("hello"), "text/plain");
    await told(page, "not_a_photo");
  });
});

test("busy: waits as long as asked, then tries again", async () => {
  await withPage({ refusals: [503] }, async (page) => {
    await page.route("**/api/segment/**", (route) => route.fulfill(problem(503, "too_busy", { "retry-after": "2" })), { times: 1 });
    await page.getByRole("button", { name: "Sample" }).click();
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
    await page.getByRole("button", { name: "Sample" }).click();
    await told(page, "unreachable");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByTestId("label-canvas").waitFor();
  });
});
