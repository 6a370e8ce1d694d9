/** Parsing in the browser: nothing is sent, and the labels equal the service's. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  ask,
  BASE_URL,
  choose,
  deviceModel,
  download,
  equalShare,
  models,
  onDevice,
  parseFile,
  place,
  SAMPLE,
  sentPhotos,
  withPage,
} from "./browser.mjs";
import { ROOT } from "./service.mjs";

const PYTHON = join(ROOT, ".venv/bin/python");
const LEAST_EQUAL = 0.995;
/** A drawn face, of too few pixels to be found as one: parsed as a whole. */
function makeDrawn() {
  const file = join(mkdtempSync(join(tmpdir(), "face-parts-")), "drawn.png");
  const smaller =
    "import sys; from PIL import Image; Image.open(sys.argv[1]).resize((28, 28)).save(sys.argv[2])";
  execFileSync(PYTHON, ["-c", smaller, join(ROOT, "ml_core/bundles/lite/golden.png"), file]);
  return file;
}

/** The sample by a profile without which it is pale, and red, green and blue have changed places. */
function makeProfiled(folder) {
  const file = join(folder, "profiled.png");
  const convert = `
import io, sys
from PIL import Image, ImageCms
from tests import profiles
icc = profiles.rgb_profile(profiles.SRGB[1:] + profiles.SRGB[:1], profiles.gamma(20))
wanted = ImageCms.ImageCmsProfile(io.BytesIO(icc))
photo = ImageCms.profileToProfile(Image.open(sys.argv[1]), ImageCms.createProfile("sRGB"), wanted)
photo.save(sys.argv[2], icc_profile=icc)`;
  execFileSync(PYTHON, ["-c", convert, SAMPLE, file], { cwd: ROOT });
  return file;
}

/** Cuts of the sample: x, y, width, height; the width each is scaled to; its type; its EXIF orientation. */
const PHOTOS = [
  { cut: [0, 0, 512, 512], width: 512, type: "image/png" },
  { cut: [130, 20, 200, 200], width: 200, type: "image/webp" },
  { cut: [100, 0, 250, 400], width: 1250, type: "image/jpeg", orientation: 6 },
  { cut: [60, 30, 330, 180], width: 990, type: "image/jpeg", orientation: 3 },
  { cut: [150, 40, 140, 170], width: 90, type: "image/png" },
  { cut: [120, 10, 220, 260], width: 601, type: "image/jpeg", orientation: 5 },
  { cut: [0, 0, 512, 384], width: 4000, type: "image/jpeg", orientation: 8 },
];

async function makePhotos(page) {
  const folder = mkdtempSync(join(tmpdir(), "face-parts-"));
  const files = [SAMPLE, makeProfiled(folder)];
  for (const [index, photo] of PHOTOS.entries()) {
    const base64 = await page.evaluate(async ({ cut: [x, y, width, height], width: target, type }) => {
      const picture = await createImageBitmap(await (await fetch("/samples/astronaut.jpg")).blob());
      const canvas = document.createElement("canvas");
      canvas.width = target;
      canvas.height = Math.round((height * target) / width);
      canvas.getContext("2d").drawImage(picture, x, y, width, height, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL(type, type === "image/webp" ? 1 : 0.95).split(",")[1];
    }, photo);
    const bytes = Buffer.from(base64, "base64");
    files.push(
      join(
        folder,
        `${index}-${photo.width}-orientation-${photo.orientation ?? 1}.${photo.type.split("/")[1]}`,
      ),
    );
    writeFileSync(files.at(-1), photo.orientation ? withOrientation(bytes, photo.orientation) : bytes);
  }
  return files;
}

/** A JPEG with an EXIF segment that says how it is to be turned (EXIF 2.32, tag 0x0112). */
function withOrientation(jpeg, orientation) {
  const exif = Buffer.from("Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0?\0\0\0\0\0\0", "latin1");
  exif[exif.indexOf("?")] = orientation;
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, exif, jpeg.subarray(2)]);
}

const offered = models
  .map(({ name }) => name)
  .filter((name) => !(name.endsWith("-int8") && models.some((row) => `${row.name}-int8` === name)));

for (const name of offered) {
  test(`${name} on this device: nothing sent, the service's labels`, async () => {
    await withPage({ bypassCSP: true }, async (page) => {
      const sent = sentPhotos(page);
      await onDevice(page);
      if (offered.length > 1) await choose(page, "Model", name);
      for (const file of await makePhotos(page)) {
        await parseFile(page, file);
        const { bytes } = await download(page, "Mask");
        const share = await equalShare(page, bytes, await ask(`output=mask&model=${name}`, file));
        console.log(`${name}, ${file}: ${(100 * share).toFixed(3)} % of the pixels equal`);
        assert.ok(share >= LEAST_EQUAL, `${file}: ${share}`);
      }
      assert.deepEqual(sent, []);
    });
  });
}

test(
  "on this device the model that an int8 copy was made of parses",
  { skip: !models.some(({ name }) => name === "lite-int8") },
  async () => {
    await withPage({}, async (page) => {
      await choose(page, "Model", "lite-int8");
      await onDevice(page);
      const fetched = page.waitForRequest(/model\.onnx$/);
      await parseFile(page);
      assert.match((await fetched).url(), /\/lite\/model\.onnx$/);
      await page.getByText(/^Model lite \d/).waitFor();
      await place(page, "In the service").click();
      await page.getByText(/^Model lite-int8 \d.*in the service/).waitFor();
    });
  },
);

test("on this device: the same files as from the service", async () => {
  const drawn = makeDrawn();
  await withPage({}, async (page) => {
    await onDevice(page);
    await parseFile(page, drawn);
    await page.getByRole("button", { name: "Parse the whole picture" }).click();
    await page.getByTestId("no-face").waitFor({ state: "detached" });
    const { name, bytes } = await download(page, "JSON");
    assert.equal(name, "drawn.json");
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    assert.equal(page.workers().length > 1, cores > 1, "threads beside the worker");
    const mine = JSON.parse(bytes);
    const theirs = JSON.parse(await ask(`output=json&faces=whole&model=${deviceModel}`, drawn));
    assert.deepEqual([mine.image, mine.model, mine.faces], [theirs.image, theirs.model, theirs.faces]);
    assert.deepEqual(mine.classes.map(Object.keys), theirs.classes.map(Object.keys));
    for (const [index, row] of theirs.classes.entries()) {
      const own = mine.classes[index];
      assert.deepEqual(
        [own.id, own.name, own.color, own.rle.size],
        [row.id, row.name, row.color, row.rle.size],
      );
      assert.ok(
        Math.abs(own.share - row.share) < 0.005 && Math.abs(own.confidence - row.confidence) < 0.01,
        row.name,
      );
    }
    // which parts are seen in the drawn face differs from model to model; not that there is skin
    await page.getByRole("checkbox", { name: /Skin.*confidence \d+ %/ }).waitFor();

    const zip = await download(page, "One mask per part (zip)");
    const file = join(mkdtempSync(join(tmpdir(), "face-parts-")), zip.name);
    writeFileSync(file, zip.bytes);
    execFileSync("python3", ["-m", "zipfile", "-t", file]);
    const service = await ask(`output=classes&faces=whole&model=${deviceModel}`, drawn);
    for (const { id, name: part } of theirs.classes) {
      const member = `${String(id).padStart(2, "0")}-${part}.png`;
      assert.ok(zip.bytes.includes(member) && service.includes(member), member);
    }
    await page.getByRole("checkbox", { name: /Skin/ }).uncheck({ force: true });
    const rest = JSON.parse((await download(page, "JSON")).bytes).classes.map((row) => row.name);
    assert.ok(!rest.includes("skin") && rest.includes("nose"), rest.join());
    assert.equal((await download(page, "Overlay")).name, "drawn-overlay.png");
  });
});

test("the frame moved quickly: only the last place is parsed", async () => {
  await withPage({}, async (page) => {
    const MOVES = 20;
    await page.addInitScript(() => {
      window.parsedByWorkers = 0;
      window.Worker = class extends Worker {
        constructor(...how) {
          super(...how);
          this.addEventListener("message", ({ data }) => {
            if (data.message?.kind === "labels") window.parsedByWorkers += 1;
          });
        }
      };
    });
    await page.reload();
    await onDevice(page);
    await parseFile(page);
    await page.getByRole("button", { name: "Draw a box" }).click();
    await page.keyboard.press("Enter");
    await page.getByTestId("part-frame").waitFor();
    await page.getByTestId("progress").waitFor({ state: "detached" });
    const parsed = async (moves) => {
      const before = await page.evaluate(() => window.parsedByWorkers);
      for (let move = 0; move < moves; move += 1) {
        await page.keyboard.press("ArrowDown");
        await page.getByTestId("progress").waitFor();
      }
      await page.getByTestId("progress").waitFor({ state: "detached" });
      return (await page.evaluate(() => window.parsedByWorkers)) - before;
    };
    await page.getByTestId("part-frame").focus();
    assert.equal(await parsed(1), 1);
    const all = await parsed(MOVES);
    assert.ok(all < MOVES / 3, `${MOVES} moves were parsed ${all} times`);
  });
});

test("a photo that is quicker than the list of models is parsed all the same", async () => {
  await withPage({ path: "/404.html" }, async (page) => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route(/\/api\/models\/$/, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(new URL("/", page.url()).href);
    await onDevice(page);
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await page.getByRole("img", { name: /astronaut/ }).waitFor();
    release();
    await page.getByText(/m?s on this device/).waitFor();
  });
});

test("a model that cannot be had: said, and the service is one switch away", async () => {
  // Answered to a worker: the console may tell of it or not
  await withPage({ library: /status of 404/ }, async (page) => {
    await page.route("**/model.onnx", (route) => route.fulfill({ status: 404 }));
    await onDevice(page);
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await page.locator("[role=alert][data-code=no_local_model]").waitFor();
    await place(page, "In the service").click();
    await page.getByRole("button", { name: "JSON", exact: true }).waitFor();
  });
});

test("a model that was replaced meanwhile: its new version is fetched", async () => {
  // The 503 is answered to a worker: the console may tell of it or not
  await withPage({ library: /status of 503/ }, async (page) => {
    const described = await (await fetch(`${BASE_URL}/api/models/${deviceModel}/`)).json();
    let replaced = false; // until its file is asked for, however often the page asks what it is
    const old = { json: { ...described, sha256: "0".repeat(64) } };
    await page.route(`**/api/models/${deviceModel}/`, (route) =>
      replaced ? route.continue() : route.fulfill(old),
    );
    const gone = (route) => {
      replaced = true;
      return route.fulfill({ status: 503 });
    };
    await page.route("**/model.onnx", gone, { times: 1 });
    await page.reload();
    await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
    await onDevice(page);
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await page.getByText(/m?s on this device/).waitFor();
  });
});
