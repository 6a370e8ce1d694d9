/** A photo in, its parts out: the whole way through page and service. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  ask,
  choose,
  download as save,
  hand,
  parseFile,
  SAMPLE,
  shoot,
  withPage,
  zoomOf,
} from "./browser.mjs";

const opaquePixels = (page) =>
  page.getByTestId("label-canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 3; at < data.length; at += 4) count += data[at] === 255;
    return count;
  });

const thickOutlines = (page) =>
  page
    .locator("[data-testid=outlines] path")
    .evaluateAll((paths) =>
      paths
        .filter((path) => Number(path.getAttribute("stroke-width")) > 2)
        .map((path) => path.dataset.classId),
    );

/** A zip with its members' times made zero: they are those of the request. */
function withoutTimes(zip) {
  for (const [signature, offset] of [
    ["PK\x03\x04", 10],
    ["PK\x01\x02", 12],
  ]) {
    for (let at = zip.indexOf(signature); at >= 0; at = zip.indexOf(signature, at + 4))
      zip.fill(0, at + offset, at + offset + 4);
  }
  return zip;
}

test("the sample: mask, legend, face, no layout shift", async () => {
  await withPage({}, async (page) => {
    await page.evaluate(() => {
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
    await shoot(page, "empty");
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await page.getByTestId("label-canvas").waitFor();
    await page.getByRole("checkbox", { name: /Hair.*share \d/ }).waitFor();
    await page.getByRole("button", { name: /^Face 1/ }).click();
    await shoot(page, "face");
    await page.getByRole("button", { name: /^Face 1/ }).click();
    await shoot(page, "sample");
    assert.ok((await page.evaluate(() => window.shift)) < 0.02, "layout shift");
  });
});

test("legend: switching off removes a part, hovering thickens its outline and changes no tint", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    const all = await opaquePixels(page);
    await page.getByRole("button", { name: "Hair alone" }).hover();
    assert.equal(await opaquePixels(page), all, "no part dims while another is pointed at");
    assert.deepEqual(await thickOutlines(page), ["10"]);
    await shoot(page, "highlight");
    await page.getByRole("checkbox", { name: /Hair/ }).uncheck({ force: true });
    const without = await opaquePixels(page);
    assert.ok(without > 0 && without < all, `${without} of ${all}`);
    assert.equal(await page.locator("[data-testid=outlines] [data-class-id='10']").count(), 0);
    assert.match(await page.getByTestId("code").innerText(), /classes=skin,/);
  });
});

test("opacity: seen at once, and in the overlay that is downloaded", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    const slider = page.getByRole("slider", { name: "Opacity" });
    await slider.focus();
    await page.keyboard.press("Home");
    assert.equal(await page.getByTestId("label-canvas").evaluate((canvas) => canvas.style.opacity), "0");
    for (let presses = 0; presses < 30; presses += 1) await page.keyboard.press("ArrowRight");
    assert.equal(await page.getByTestId("label-canvas").evaluate((canvas) => canvas.style.opacity), "0.3");
    await choose(page, "Answer of the code", "Overlay");
    assert.match(await page.getByTestId("code").innerText(), /alpha=0\.3/);
    const overlay = await save(page, "Overlay");
    assert.deepEqual(overlay.bytes, await ask("output=overlay&alpha=0.3"));
  });
});

test("two fingers zoom, one moves", async () => {
  await withPage(
    { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    async (page, browser) => {
      await parseFile(page);
      const stage = await page.getByTestId("stage").boundingBox();
      const [x, y] = [stage.x + stage.width / 2, stage.y + stage.height / 2];
      const fitted = await zoomOf(page);
      const place = () =>
        page.getByRole("img", { name: /Your photo/ }).evaluate((photo) => photo.getBoundingClientRect().x);
      const touch = await browser.newCDPSession(page);
      const send = (type, ...points) =>
        touch.send("Input.dispatchTouchEvent", {
          type,
          touchPoints: points.map(([px, py], id) => ({ x: px, y: py, id })),
        });
      await send("touchStart", [x - 30, y - 80], [x + 30, y - 80]);
      for (let apart = 40; apart <= 120; apart += 20)
        await send("touchMove", [x - apart, y - 80], [x + apart, y - 80]);
      await send("touchEnd");
      assert.ok((await zoomOf(page)) >= 2.9 * fitted, `${await zoomOf(page)} % from ${fitted} %`);
      const before = await place();
      await send("touchStart", [x + 60, y + 90]);
      for (let moved = 10; moved <= 60; moved += 10) await send("touchMove", [x + 60 + moved, y + 90]);
      await send("touchEnd");
      assert.ok((await place()) > before + 30, "moved with the finger");
      await shoot(page, "pinch");
    },
  );
});

test("before and after: by keyboard and by dragging; zoom", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    const slider = page.getByRole("slider", { name: "Before and after" });
    await slider.focus();
    await page.keyboard.press("End");
    assert.equal(await slider.inputValue(), "100");
    const handle = await page.getByTestId("split-handle").boundingBox();
    const stage = await page.getByTestId("stage").boundingBox();
    await page.mouse.move(handle.x + handle.width / 2, handle.y + 50);
    await page.mouse.down();
    await page.mouse.move(stage.x + stage.width / 2, handle.y + 60, { steps: 5 });
    await page.mouse.up();
    assert.ok(Math.abs(Number(await slider.inputValue()) - 50) <= 2);
    await shoot(page, "split");
    const fitted = await zoomOf(page);
    await page.mouse.wheel(0, -500);
    await page.getByText(`${fitted} %`, { exact: true }).waitFor({ state: "detached" });
    assert.ok((await zoomOf(page)) > 1.5 * fitted);
    await page.getByRole("button", { name: /one pixel as one/ }).click();
    await page.getByText("100 %", { exact: true }).waitFor();
    const { width } = await page.getByRole("img", { name: /Your photo/ }).boundingBox();
    assert.equal(Math.round(width), 512, "one pixel as one");
    await page.getByTestId("stage").focus();
    await page.keyboard.press("0");
    await page.getByText(`${fitted} %`, { exact: true }).waitFor();
  });
});

test("downloads are the API's bytes", async () => {
  await withPage({}, async (page) => {
    const answers = [];
    page.on("response", (response) => response.url().includes("/api/segment/") && answers.push(response));
    await parseFile(page);
    const download = (label) => save(page, label);
    const { rle, inline } = Object.fromEntries(new URL(answers[0].url()).searchParams);
    assert.deepEqual([rle, inline], ["false", "labels"], "run lengths would take longest");
    const json = await download("JSON");
    assert.equal(json.name, "astronaut.json");
    const content = (bytes) => ({ ...JSON.parse(bytes), timing_ms: null });
    assert.deepEqual(content(json.bytes), content(await ask("output=json")));

    const mask = await download("Mask");
    assert.equal(mask.name, "astronaut-mask.png");
    assert.deepEqual(mask.bytes, await ask("output=mask"));
    const overlay = await download("Overlay");
    assert.deepEqual(overlay.bytes, await ask("output=overlay&alpha=0.35"));
    const zip = await download("One mask per part (zip)");
    assert.deepEqual(withoutTimes(zip.bytes), withoutTimes(await ask("output=classes")));

    await page.getByRole("checkbox", { name: /Skin/ }).uncheck({ force: true });
    const rest = await download("Mask");
    const shown = new URL(answers.at(-1).url()).searchParams.get("classes");
    assert.deepEqual(rest.bytes, await ask(`output=mask&classes=${shown}`));
    assert.ok(!shown.split(",").includes("skin"));
  });
});

test("where a page may not write to the clipboard, copying selects the curl command", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.getByRole("button", { name: "Copy the code" }).click();
    assert.equal(
      await page.evaluate(() => getSelection().toString()),
      await page.getByTestId("code").innerText(),
    );
  });
});

test("the curl command gives the same bytes", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    await choose(page, "Answer of the code", "Mask");
    const command = await page.getByTestId("code").innerText();
    const folder = mkdtempSync(join(tmpdir(), "face-parts-"));
    execFileSync("cp", [SAMPLE, folder]);
    execFileSync("sh", ["-c", `curl() { command curl --silent "$@"; }; ${command}`], { cwd: folder });
    assert.deepEqual(readFileSync(join(folder, "astronaut-mask.png")), await ask("output=mask"));
  });
});

test("how long the sample takes: printed, for the one who reads the log", async () => {
  await withPage({}, async (page) => {
    for (const round of ["first", "second"]) {
      await page.reload();
      await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
      const took = await page.evaluate(
        () =>
          new Promise((resolve) => {
            const start = performance.now();
            new MutationObserver((_, observer) => {
              if (!document.querySelector("[data-testid=label-canvas]")) return;
              observer.disconnect();
              requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
            }).observe(document.body, { childList: true, subtree: true });
            [...document.querySelectorAll("button")]
              .find((button) => button.textContent === "Sample")
              .click();
          }),
      );
      const paint = await page.evaluate(
        () => performance.getEntriesByName("first-contentful-paint")[0].startTime,
      );
      console.log(
        `${round}: first paint after ${Math.round(paint)} ms;`,
        `the sample's mask ${Math.round(took)} ms after the click`,
      );
    }
  });
});

test("dropping, pasting, recent results", async () => {
  await withPage({}, async (page) => {
    const dropped = page.getByRole("img", { name: /dropped\.jpg/ });
    await hand(page, "drop", "dropped.jpg");
    // The page listens when its script has run, which may be after `load`: a drop before that is nobody's
    await dropped.waitFor({ timeout: 10_000 }).catch(() => hand(page, "drop", "dropped.jpg"));
    await dropped.waitFor();
    await page.getByRole("button", { name: "JSON", exact: true }).waitFor();
    await hand(page, "paste", "pasted.jpg");
    await page.getByRole("img", { name: /pasted\.jpg/ }).waitFor();
    await page.getByRole("button", { name: "Show dropped.jpg" }).click();
    await page.getByRole("img", { name: /dropped\.jpg/ }).waitFor();
    await shoot(page, "recent");
  });
});

test("a format the browser cannot show gets its picture from the service", async () => {
  await withPage({}, async (page) => {
    await parseFile(page, new URL("fixtures/drawn.tiff", import.meta.url).pathname);
    await page.getByRole("img", { name: /drawn\.tiff/ }).waitFor();
    await page.getByTestId("no-face").waitFor();
  });
});

test("its picture comes though another photo was given meanwhile", async () => {
  await withPage({}, async (page) => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route(/alpha=0/, async (route) => {
      await held;
      await route.continue();
    });
    await page
      .getByLabel("Photo file")
      .setInputFiles(new URL("fixtures/drawn.tiff", import.meta.url).pathname);
    await page.getByRole("button", { name: "JSON", exact: true }).waitFor();
    const pictured = page.waitForResponse(/alpha=0/);
    await parseFile(page);
    release();
    await pictured;
    await page.getByRole("button", { name: "Show drawn.tiff" }).click();
    await page.getByRole("img", { name: /drawn\.tiff/ }).waitFor();
  });
});
