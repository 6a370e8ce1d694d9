/** What can be done with a result: parts alone, faces alone, cut-outs, new colours, two models, code. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  ask,
  choose,
  download,
  models,
  parseFile,
  pixelsOf,
  SAMPLE,
  sentPhotos,
  shoot,
  withPage,
} from "./browser.mjs";
import { ROOT } from "./service.mjs";

const GROUP = join(ROOT, "samples/group.jpg");
const PYTHON = join(ROOT, ".venv/bin/python");

const valuesOf = async (page, png) => (await pixelsOf(page, png)).jsonValue();

/** How many pixels of a PNG are not black. */
const paintedIn = async (page, png) =>
  (await pixelsOf(page, png)).evaluate(({ data }) =>
    new Uint32Array(data.buffer).reduce((sum, pixel) => sum + ((pixel & 0xffffff) > 0), 0),
  );

const outlined = (page) =>
  page
    .locator("[data-testid=outlines] path")
    .evaluateAll((paths) => paths.map((path) => path.dataset.classId).sort());
const strokeOf = (page, id) =>
  page.locator(`[data-testid=outlines] [data-class-id="${id}"]`).getAttribute("stroke");

test("the welcome: before and after, moving unless motion is reduced", async () => {
  for (const reducedMotion of ["no-preference", "reduce"]) {
    await withPage({ reducedMotion }, async (page) => {
      const picture = page.getByTestId("welcome-picture");
      await picture.waitFor();
      const [names, loaded] = await picture.evaluate((element) => [
        element.getAnimations({ subtree: true }).map(({ animationName }) => animationName),
        Promise.all([...element.querySelectorAll("img")].map((image) => image.decode())).then(() => true),
      ]);
      assert.ok(loaded);
      assert.equal(names.length, reducedMotion === "reduce" ? 0 : 2);
      const [chooser] = await Promise.all([
        page.waitForEvent("filechooser"),
        page.getByRole("button", { name: "Choose a photo" }).click(),
      ]);
      await chooser.setFiles(SAMPLE);
      await page.getByTestId("label-canvas").waitFor();
      await picture.waitFor({ state: "detached" });
    });
  }
});

test("parts: alone by name or on the stage, outlines, tints, boxes, colours", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    await page.getByTestId("outlines").locator("path").first().waitFor();
    const all = await outlined(page);
    assert.ok(all.length >= 8, all.join());

    await page.getByRole("button", { name: "Hair alone" }).click();
    assert.deepEqual(await outlined(page), ["10"]);
    await page.getByTestId("stage").press("Escape");
    assert.deepEqual(await outlined(page), all);
    const box = await page.locator("[data-testid=outlines] [data-class-id='6']").boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    assert.deepEqual(await outlined(page), ["6"], "the nose, clicked");
    await page.waitForTimeout(400); // two clicks would be a double click
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    assert.deepEqual(await outlined(page), all);

    await page.getByRole("button", { name: "Tints" }).click();
    assert.equal(await page.getByTestId("label-canvas").evaluate((canvas) => canvas.style.opacity), "0");
    await shoot(page, "outlines");
    await page.getByRole("button", { name: "Tints" }).click();
    await page.getByRole("button", { name: "Outlines" }).click();
    assert.equal(await page.getByTestId("outlines").count(), 0);
    await page.getByRole("button", { name: "Outlines" }).click();
    assert.equal(await page.getByTestId("face-box").count(), 1);
    await page.getByRole("button", { name: "Boxes" }).click();
    assert.equal(await page.getByTestId("face-box").count(), 0);

    const calm = await strokeOf(page, 10);
    await page.getByRole("button", { name: "The data set's colours" }).click();
    assert.equal(await strokeOf(page, 10), "#ff0066");
    await page.getByRole("button", { name: "The data set's colours" }).click();
    await page.getByRole("button", { name: "Colour of hair" }).click();
    await page.getByRole("option").nth(4).click();
    await shoot(page, "own-colour");
    assert.equal(await strokeOf(page, 10), "#00acff");
    await page.getByRole("button", { name: "The palette's own" }).click();
    assert.equal(await strokeOf(page, 10), calm);
  });
});

test("a group: each face for itself, numbered from left to right", async () => {
  await withPage({}, async (page) => {
    await parseFile(page, GROUP);
    const { faces } = JSON.parse(await ask("output=json", GROUP));
    const middles = faces.map(({ box: [x, , width] }) => x + width / 2).sort((a, b) => a - b);
    const tags = await page
      .getByTestId("face-box")
      .evaluateAll((boxes) =>
        boxes.map((box) => [Number(box.textContent), box.getBoundingClientRect().x + box.clientWidth / 2]),
      );
    tags.sort(([one], [other]) => one - other);
    assert.deepEqual(
      tags.map(([number]) => number),
      middles.map((_, at) => at + 1),
    );
    assert.ok(
      tags.every(([, x], at) => at === 0 || x > tags[at - 1][1]),
      JSON.stringify(tags),
    );
    await page.getByText("Share of faces").waitFor();
    const shareOfAll = await page.getByRole("checkbox", { name: /^Hair/ }).getAttribute("aria-label");

    const whole = await paintedIn(page, (await download(page, "Mask")).bytes);
    const sent = sentPhotos(page);
    await page.getByRole("button", { name: "Box of face 2" }).click();
    await page.waitForTimeout(300);
    await shoot(page, "one-face");
    await page.getByText("Share of face", { exact: false }).waitFor();
    assert.notEqual(
      await page.getByRole("checkbox", { name: /^Hair/ }).getAttribute("aria-label"),
      shareOfAll,
    );
    let sum = 0;
    assert.equal(await page.getByRole("button", { name: /^Face 2/, pressed: true }).count(), 1);
    for (let place = 1; place <= faces.length; place += 1) {
      const face = page.getByRole("button", { name: new RegExp(`^Face ${place}`) });
      if ((await face.getAttribute("aria-pressed")) === "false") await face.click();
      const { name, bytes } = await download(page, "Mask");
      assert.equal(name, `group-face-${place}-mask.png`);
      sum += await paintedIn(page, bytes);
    }
    assert.equal(sum, whole, "every pixel is of one face");
    assert.deepEqual(sent, [], "nothing is asked of the service");
    const json = JSON.parse((await download(page, "JSON")).bytes);
    assert.equal(json.faces.length, 1);
    const code = await page.getByTestId("code").innerText();
    assert.ok(code.includes(`face=${json.faces[0].number}`), code);
    await page.getByRole("button", { name: "All", exact: true }).last().click();
    await page.getByText("Share of faces").waitFor();
  });
});

test("a cut-out: clear around the parts, soft at their edges; saved and copied", async () => {
  const permissions = ["clipboard-read", "clipboard-write"];
  await withPage({ permissions }, async (page) => {
    await parseFile(page);
    await page.getByRole("button", { name: "Hair alone" }).click();
    const { name, bytes } = await download(page, "Cut-out");
    assert.equal(name, "astronaut-cutout.png");
    writeFileSync(join(mkdtempSync(join(tmpdir(), "face-parts-")), name), bytes);
    const { width, height, data } = await valuesOf(page, bytes);
    assert.deepEqual([width, height], [512, 512]);
    const mask = await valuesOf(page, await ask("output=mask&classes=hair"));
    let [inside, outside, soft] = [0, 0, 0];
    for (let at = 0; at < data.length; at += 4) {
      const isHair = mask.data[at] > 0;
      const alpha = data[at + 3];
      if (alpha > 10 && alpha < 245) soft += 1;
      else if (isHair !== alpha > 128) outside += 1;
      else if (isHair) inside += 1;
    }
    assert.ok(inside > 5000 && soft > 150, `${inside} inside, ${soft} soft`);
    assert.ok(outside < 0.1 * inside, `${outside} pixels are not where the mask is`);

    await page.getByRole("button", { name: "Copy the cut-out" }).click();
    await page.getByText("Copied", { exact: true }).waitFor();
    const kinds = await page.evaluate(async () => (await navigator.clipboard.read())[0].types);
    assert.deepEqual(kinds, ["image/png"]);
  });
});

test("recolour: hair in another colour, as light as it was; before and after; saved", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    const sent = sentPhotos(page);
    await page.getByRole("region", { name: "Recolour" }).getByRole("button", { name: "Hair" }).click();
    const canvas = page.locator("[data-testid=recoloured][data-drawn]");
    await canvas.waitFor();
    assert.equal(await page.getByTestId("label-canvas").evaluate((each) => each.style.opacity), "0");
    await page.getByRole("option").nth(7).click(); // blue
    await page.locator("[data-testid=recoloured][data-drawn='2']").waitFor();
    await page.getByRole("slider", { name: "Before and after" }).fill("50");
    await shoot(page, "recoloured");

    const { name, bytes } = await download(page, "Recoloured photo");
    assert.equal(name, "astronaut-recoloured.png");
    const after = await valuesOf(page, bytes);
    const before = await page.evaluate(async () => {
      const bitmap = await createImageBitmap(await (await fetch("/samples/astronaut.jpg")).blob());
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      context.drawImage(bitmap, 0, 0);
      return Array.from(context.getImageData(0, 0, bitmap.width, bitmap.height).data);
    });
    const hair = await valuesOf(page, await ask("output=mask&classes=hair"));
    const head = await valuesOf(page, await ask("output=mask&classes=hair,skin"));
    let [count, bluer, lighter, strayed] = [0, 0, 0, 0];
    const light = (data, at) => 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2];
    for (let at = 0; at < before.length; at += 4) {
      if (hair.data[at] > 0) {
        count += 1;
        bluer += after.data[at + 2] - after.data[at] - (before[at + 2] - before[at]);
        lighter += Math.abs(light(after.data, at) - light(before, at));
      } else if (head.data[at + 2] === 0 && Math.floor(at / 4 / 512) > 200)
        strayed += Math.abs(after.data[at] - before[at]) > 2;
    }
    assert.ok(bluer / count > 25, `${bluer / count} bluer`);
    assert.ok(lighter / count < 16, `${lighter / count} lighter or darker`);
    assert.equal(strayed, 0, "nothing else changes");
    assert.deepEqual(sent, [], "made in the page");

    await page.getByRole("button", { name: "As it was" }).click();
    assert.equal(await page.getByTestId("recoloured").count(), 0);
    assert.notEqual(await page.getByTestId("label-canvas").evaluate((each) => each.style.opacity), "0");
  });
});

test("two models side by side, each with what it is good for", { skip: models.length < 2 }, async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    const asked = page.waitForRequest(/segment\/.*model=/);
    await page
      .getByRole("button", { name: /^Compare with/ })
      .first()
      .click();
    await asked;
    await page.getByTestId("compare-names").locator("p").first().waitFor();
    assert.match(
      await page.getByTestId("compare-names").innerText(),
      /Most exact[^]*Fastest|Fastest[^]*Most exact/,
    );
    assert.equal(await page.getByTestId("label-canvas").count(), 2);
    assert.equal(await page.getByRole("slider", { name: "Before and after" }).inputValue(), "50");
    await shoot(page, "compare");
    await page
      .getByRole("button", { name: /^Compare with/ })
      .first()
      .click();
    assert.equal(await page.getByTestId("label-canvas").count(), 1);
  });
});

test("code in Python and JavaScript gives the API's bytes; the JSON can be read", async () => {
  await withPage({}, async (page) => {
    await parseFile(page);
    await choose(page, "Answer of the code", "Mask");
    const mask = await ask("output=mask");
    for (const [language, command, file] of [
      ["Python", PYTHON, "request.py"],
      ["JavaScript", process.execPath, "request.mjs"],
    ]) {
      await page.getByRole("radio", { name: language }).click();
      const folder = mkdtempSync(join(tmpdir(), "face-parts-"));
      copyFileSync(SAMPLE, join(folder, "astronaut.jpg"));
      writeFileSync(join(folder, file), await page.getByTestId("code").innerText());
      execFileSync(command, [file], { cwd: folder });
      assert.deepEqual(readFileSync(join(folder, "astronaut-mask.png")), mask, language);
    }
    await page.getByRole("button", { name: "Read the JSON" }).click();
    await page
      .getByTestId("json")
      .getByText(/"faces"/)
      .waitFor();
    await shoot(page, "json");
  });
});

test("the footer: API, the model's limits, privacy", async () => {
  await withPage({}, async (page) => {
    await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
    assert.match(await page.getByRole("link", { name: "API" }).getAttribute("href"), /\/api\/docs\/$/);
    await page.getByRole("button", { name: /Model card/ }).click();
    const card = page.getByRole("dialog");
    await card.getByText(/Faces are biometric data/).waitFor();
    await card.getByText(/research only/).waitFor();
    await shoot(page, "about");
    await page.keyboard.press("Escape");
    await card.waitFor({ state: "detached" });
  });
});
