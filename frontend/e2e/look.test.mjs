/** Sizes, colours, accessibility. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { parseFile, PHONE, shoot, withPage } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function assertAccessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(
    violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]),
    [],
  );
}

async function assertNothingSticksOut(page) {
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(inner <= outer, `${inner} > ${outer}`);
}

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries({
    phone: { width: 360, height: 740 },
    sideways: { width: 740, height: 360 },
    tablet: { width: 768, height: 1024 },
    desk: { width: 1440, height: 900 },
    wide: { width: 2200, height: 1200 },
  })) {
    test(`${colorScheme} on a ${size}: nothing sticks out, axe finds nothing`, async () => {
      const isTouched = size !== "desk" && size !== "wide";
      await withPage({ ...(isTouched && PHONE), colorScheme, viewport }, async (page) => {
        await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
        await shoot(page, `${size}-${colorScheme}-empty`);
        await assertNothingSticksOut(page);
        await assertAccessible(page);
        await parseFile(page);
        await page.waitForTimeout(400);
        await shoot(page, `${size}-${colorScheme}`);
        await assertNothingSticksOut(page);
        await assertAccessible(page);
        if (!isTouched) {
          const height = await page.evaluate(() => document.scrollingElement.scrollHeight);
          assert.equal(height, viewport.height, "the panel scrolls, not the page");
        }
        if (size !== "phone") return;
        for (const group of ["Faces", "Export"]) {
          await page.getByRole("radio", { name: group }).click();
          await page.getByText(/^Model lite/).scrollIntoViewIfNeeded();
          await shoot(page, `${size}-${colorScheme}-${group.toLowerCase()}`);
          await assertNothingSticksOut(page);
          await assertAccessible(page);
        }
      });
    });
  }
}

test("the first load: isolated, at most 330 kB of HTML, JS and CSS", async () => {
  await withPage({}, async (page, browser) => {
    const network = await browser.newCDPSession(page);
    const kinds = new Map();
    let sum = 0;
    network.on("Network.responseReceived", ({ requestId, type }) => kinds.set(requestId, type));
    network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (["Document", "Script", "Stylesheet"].includes(kinds.get(requestId))) sum += encodedDataLength;
    });
    await network.send("Network.enable");
    await network.send("Network.setCacheDisabled", { cacheDisabled: true });
    await page.reload();
    await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
    await page.waitForLoadState("networkidle");
    console.log(`the first load: ${Math.round(sum / 1000)} kB`);
    assert.ok(sum > 50_000 && sum <= 330_000, `${sum} bytes`);
    assert.ok(await page.evaluate(() => crossOriginIsolated), "threads on this device");
  });
});

test("320 pixels are wide enough: nothing scrolls sideways", async () => {
  await withPage({ viewport: { width: 320, height: 640 } }, async (page) => {
    await page.getByTestId("bytes-to-fetch").getByText(/MB/).waitFor();
    const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok((await wide()) <= 320, `${await wide()}`);
    await parseFile(page);
    assert.ok((await wide()) <= 320, `${await wide()}`);
  });
});

test("all of it by keyboard", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    const reached = new Set();
    await page.locator("body").focus();
    for (let presses = 0; presses < 150; presses += 1) {
      await page.keyboard.press("Tab");
      reached.add(
        await page.evaluate(
          () =>
            document.activeElement?.ariaLabel ||
            document.activeElement?.textContent ||
            document.activeElement?.type,
        ),
      );
    }
    const names = [...reached].join("|");
    for (const part of [
      "Camera",
      "Sample",
      "Photo: plus",
      "Zoom in",
      "Dark colours",
      "Face 1",
      "Mask",
      "Copy the code",
      "Code: curl",
    ]) {
      assert.ok(names.includes(part), `${part} is not reached: ${names}`);
    }
  });
});
