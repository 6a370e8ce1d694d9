/** Classes of one's own: drawn roads are trained on; the page shows what service and device find. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { download, equalShare, parseFile, shoot, withPage } from "./browser.mjs";
import { ROOT, withService } from "./service.mjs";

const folder = mkdtempSync(join(tmpdir(), "face-parts-roads-"));
const photo = join(folder, "roads/test/images/0.jpg");
/** As `train_unetr` says at its end, and nothing else: no option speaks of faces or cuts. */
const settings = { MODELS_DIR: join(folder, "out/bundles"), MODEL: "road-int8" };

before(() => {
  const env = { ...process.env, PYTHONPATH: ROOT };
  execFileSync(join(ROOT, ".venv/bin/python"), ["-m", "tests.training.roads", folder], {
    cwd: folder,
    env,
    encoding: "utf8",
  });
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function answerOf(base, query) {
  const response = await fetch(`${base}/api/segment/?${query}`, {
    method: "POST",
    headers: { "Content-Type": "image/jpeg" },
    body: readFileSync(photo),
  });
  assert.equal(response.status, 200);
  return response;
}

test("a road model, cut whole by itself: its classes, its mask, no talk of faces", async () => {
  await withService(settings, async (base) => {
    const { classes, faces } = await (await answerOf(base, "output=json")).json();
    assert.deepEqual(
      classes.map(({ name }) => name),
      ["verge", "road", "sky"],
    );
    assert.deepEqual(faces, []);
    await withPage({ base, bypassCSP: true }, async (page) => {
      const asked = page.waitForRequest((request) => request.method() === "POST");
      await parseFile(page, photo);
      assert.ok(!new URL((await asked).url()).searchParams.has("faces"), "no flag set by hand");
      for (const name of ["Road", "Sky"])
        await page.getByRole("checkbox", { name: new RegExp(`^${name}.*share \\d`) }).waitFor();
      await page.getByText("Share of all parts").waitFor();
      const ofFaces = /No face was found|Is a face missing|\d faces?$|Share of face|Left and right/;
      assert.equal(await page.getByText(ofFaces).count(), 0);
      const mask = await download(page, "Mask");
      const wanted = Buffer.from(await (await answerOf(base, "output=mask")).arrayBuffer());
      assert.deepEqual(mask.bytes, wanted);
      await shoot(page, "own-classes");

      await page.getByText("On this device").click();
      await page.getByText(/m?s on this device/).waitFor();
      const here = await download(page, "Mask");
      const exact = Buffer.from(await (await answerOf(base, "output=mask&model=road")).arrayBuffer());
      assert.ok((await equalShare(page, here.bytes, exact)) > 0.995, "the device's labels are the service's");
      await shoot(page, "own-classes-device");
    });
  });
});
