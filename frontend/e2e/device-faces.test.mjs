/** The JSON of several faces, drawn on this device: the service's, face by face. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ask, BASE_URL, deviceModel, download, onDevice, parseFile, SAMPLE, withPage } from "./browser.mjs";
import { ROOT } from "./service.mjs";

const PYTHON = join(ROOT, ".venv/bin/python");

/** The sample twice, the smaller one on the left: the face that is found best is the second. */
function makeTwo() {
  const file = join(mkdtempSync(join(tmpdir(), "face-parts-")), "two.png");
  const beside = `
import sys
from PIL import Image
photo = Image.open(sys.argv[1])
both = Image.new("RGB", (3 * photo.width // 2, photo.height))
both.paste(photo.reduce(2))
both.paste(photo, (photo.width // 2, 0))
both.save(sys.argv[2])`;
  execFileSync(PYTHON, ["-c", beside, SAMPLE, file]);
  return file;
}

test("on this device: faces in the order and with the classes that the service gives them", async () => {
  const two = makeTwo();
  await withPage({}, async (page) => {
    await onDevice(page);
    await parseFile(page, two);
    const same = async (query, face) => {
      const mine = JSON.parse((await download(page, "JSON")).bytes);
      const theirs = JSON.parse(await ask(`output=json&model=${deviceModel}${query}`, two));
      assert.deepEqual(mine.faces.map(Object.keys), theirs.faces.map(Object.keys));
      const outline = ({ faces }) =>
        faces.map(({ number, classes }) => [number, classes.map(({ id, name }) => [id, name])]);
      assert.deepEqual(outline(mine), outline(theirs));
      assert.deepEqual(
        mine.faces.map(({ number }) => number),
        face,
      );
      const figures = ({ classes, faces }) => [...classes, ...faces.flatMap((each) => each.classes)];
      for (const [index, row] of figures(theirs).entries()) {
        const own = figures(mine)[index];
        assert.ok(Math.abs(own.share - row.share) < 0.01, `${row.name}: ${own.share}, ${row.share}`);
        assert.equal(own.confidence === null, row.confidence === null, row.name);
        assert.ok(Math.abs(own.confidence - row.confidence) < 0.04, row.name);
      }
    };
    await same("", [1, 2]);
    await page.getByRole("button", { name: "Face 2", exact: false }).first().click();
    await same("&face=2", [2]);
    await page.getByRole("button", { name: "All", exact: true }).last().click();
    await page.getByRole("checkbox", { name: /Skin/ }).uncheck({ force: true });
    const { classes } = await (await fetch(`${BASE_URL}/api/models/${deviceModel}/`)).json();
    const shown = classes.map(({ name }) => name).filter((name) => name !== "skin" && name !== "background");
    await same(`&classes=${shown}`, [1, 2]);
  });
});
