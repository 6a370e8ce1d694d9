/** The face finder in the browser: all faces and the same labels as the service; a box drawn by hand. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  ask,
  deviceModel,
  download,
  equalShare,
  onDevice,
  parseFile,
  SAMPLE,
  sentPhotos,
  shoot,
  withPage,
} from "./browser.mjs";
import { ROOT } from "./service.mjs";

const LEAST_EQUAL = 0.995;
const GROUP = join(ROOT, "samples/group.jpg");

function ninePhotos() {
  const folder = mkdtempSync(join(tmpdir(), "face-parts-nine-"));
  execFileSync(join(ROOT, ".venv/bin/python"), [join(ROOT, "frontend/scripts/nine-photos.py"), folder]);
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

/** Intersection over union of two boxes (x, y, width, height). */
function overlap([x, y, width, height], [u, v, w, h]) {
  const across = Math.max(0, Math.min(x + width, u + w) - Math.max(x, u));
  const down = Math.max(0, Math.min(y + height, v + h) - Math.max(y, v));
  return (across * down) / (width * height + w * h - across * down);
}

test("nine photos: nothing sent, the service's faces and the service's labels", async () => {
  const photos = ninePhotos();
  assert.equal(photos.length, 9);
  await withPage({ bypassCSP: true }, async (page) => {
    const sent = sentPhotos(page);
    await onDevice(page);
    for (const file of photos) {
      await parseFile(page, file);
      const mine = JSON.parse((await download(page, "JSON")).bytes);
      const theirs = JSON.parse(await ask(`output=json&model=${deviceModel}`, file));
      assert.equal(mine.faces.length, theirs.faces.length, file);
      for (const face of theirs.faces) {
        const same = mine.faces.filter(({ box }) => overlap(box, face.box) > 0.85);
        assert.equal(same.length, 1, `${file}: ${JSON.stringify(face.box)}`);
        const side = Math.max(face.box[2], face.box[3]);
        for (const [name, [x, y]] of Object.entries(face.landmarks)) {
          const [u, v] = same[0].landmarks[name];
          assert.ok(Math.hypot(x - u, y - v) < 0.02 * side, `${file}: ${name}`);
        }
      }
      const { bytes } = await download(page, "Mask");
      const share = await equalShare(page, bytes, await ask(`output=mask&model=${deviceModel}`, file));
      console.log(`${file}: ${mine.faces.length} faces, ${(100 * share).toFixed(3)} % of the pixels equal`);
      assert.ok(share >= LEAST_EQUAL, `${file}: ${share}`);
    }
    assert.deepEqual(sent, []);
  });
});

test("first visit: the bytes are said before they are fetched; at the second nothing is", async () => {
  await withPage({}, async (page, browser) => {
    const fetched = [];
    browser.on("request", (request) => /\.onnx$/.test(request.url()) && fetched.push(request.url()));
    await browser.route("**/*.onnx", (route) =>
      setTimeout(() => route.continue().catch(() => undefined), 1500),
    );
    await onDevice(page);
    await page.getByLabel("Photo file").setInputFiles(SAMPLE);
    await page
      .getByTestId("progress")
      .getByText(/, \d+ MB once/)
      .waitFor();
    await shoot(page, "first-visit");
    await page.getByText(/m?s on this device/).waitFor();
    const names = fetched.map((url) => url.split("/").at(-1).split(".")[0]);
    for (const name of ["model", "centerface", "onet"]) assert.ok(names.includes(name), names.join());
    fetched.length = 0;
    await page.reload();
    await parseFile(page);
    await page.getByText(/m?s on this device/).waitFor();
    assert.deepEqual(fetched, [], "kept in this browser");
  });
});

for (const where of ["in the service", "on this device"]) {
  test(`a box drawn ${where}: that part alone is parsed; moved, pulled, left`, async () => {
    await withPage({}, async (page) => {
      const sent = sentPhotos(page);
      if (where === "on this device") await onDevice(page);
      await parseFile(page, GROUP);
      const before = sent.length;
      await page.getByRole("button", { name: "Draw a box" }).click();
      const stage = await page.getByTestId("stage").boundingBox();
      const photo = await page.getByRole("img", { name: /Your photo/ }).boundingBox();
      const at = (x, y) => [photo.x + (x / 1280) * photo.width, photo.y + (y / 760) * photo.height];
      await page.mouse.move(...at(120, 90));
      await page.mouse.down();
      await page.mouse.move(...at(380, 400), { steps: 5 });
      await page.mouse.up();
      await page.getByTestId("part-frame").waitFor();
      const done = () => page.getByTestId("progress").waitFor({ state: "detached" });
      await done();
      assert.equal(sent.length - before, where === "in the service" ? 1 : 0);
      const { classes, image } = JSON.parse((await download(page, "JSON")).bytes);
      assert.deepEqual(image, { width: 1280, height: 760 });
      const skin = classes.find(({ name }) => name === "skin");
      const [x, y, width, height] = skin.box;
      assert.ok(x >= 118 && y >= 88 && x + width <= 384 && y + height <= 404, String(skin.box));
      assert.ok(skin.pixels > 5000, String(skin.pixels));
      await shoot(page, `box-${where.split(" ")[0]}`);

      const frame = () => page.getByTestId("part-frame").boundingBox();
      const pull = async (testId, dx, dy) => {
        const box = await page.getByTestId(testId).boundingBox();
        const [cx, cy] = [box.x + box.width / 2, box.y + box.height / 2];
        await page.mouse.move(cx, cy);
        await page.mouse.down();
        await page.mouse.move(cx + dx, cy + dy, { steps: 4 });
        await page.mouse.up();
        await done();
      };
      const first = await frame();
      await pull("part-bottom-right", 30, 20);
      const pulled = await frame();
      assert.ok(
        Math.abs(pulled.x - first.x) < 2 && Math.abs(pulled.y - first.y) < 2,
        "the corner opposite stays",
      );
      assert.ok(pulled.width > first.width + 20, JSON.stringify([first, pulled]));
      await pull("part-top-left", 2000, 2000);
      const small = await frame();
      assert.ok(small.width >= (31 * photo.width) / 1280, "no speck");
      await pull("part-frame", -3000, -3000);
      const moved = await frame();
      assert.ok(moved.x >= photo.x - 2 && moved.y >= photo.y - 2, "never beyond the photo");
      await page.getByTestId("part-frame").focus();
      await page.keyboard.press("+");
      await page.keyboard.press("ArrowRight");
      await done();
      const keyed = await frame();
      assert.ok(keyed.width > moved.width && keyed.x > moved.x, JSON.stringify([moved, keyed]));

      await page.getByRole("button", { name: "Parse the whole photo" }).click();
      await page.getByTestId("part-frame").waitFor({ state: "detached" });
      await done();
      await page.getByRole("button", { name: /^Face 6/ }).waitFor();
      assert.ok(stage.width > 0);
    });
  });
}
