/** The camera: a photo of it, and its parts live on this device. The browser films a file. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { onDevice, SAMPLE, sentPhotos, shoot, withPage } from "./browser.mjs";

/** What makes the browser's camera show a picture: a film of one frame. */
function showing(file) {
  const film = join(mkdtempSync(join(tmpdir(), "face-parts-")), "film.mjpeg");
  copyFileSync(file, film);
  return [`--use-file-for-fake-video-capture=${film}`];
}

test("the camera: its picture is parsed; where no face is found, the whole can be", async () => {
  await withPage({ permissions: ["camera"] }, async (page) => {
    await page.getByRole("button", { name: "Camera" }).click();
    await page.getByRole("button", { name: "Take the photo" }).and(page.locator(":enabled")).waitFor();
    await shoot(page, "camera");
    await page.getByRole("button", { name: "Take the photo" }).click();
    await page.getByRole("img", { name: /camera\.jpg/ }).waitFor();
    await page.getByTestId("no-face").waitFor();
    const asked = page.waitForRequest(/faces=whole/);
    await page.getByRole("button", { name: "Parse the whole picture" }).click();
    await asked;
    await page.getByTestId("no-face").waitFor({ state: "detached" });
  });
});

test("no camera to be had: each reason in its own words", async () => {
  await withPage({}, async (page) => {
    for (const [name, code] of [
      ["NotAllowedError", "denied"],
      ["NotReadableError", "busy"],
      ["NotFoundError", "missing"],
      ["", "insecure"],
    ]) {
      await page.evaluate((name) => {
        const media = name && { getUserMedia: () => Promise.reject(new DOMException("", name)) };
        Object.defineProperty(navigator, "mediaDevices", { value: media || undefined, configurable: true });
      }, name);
      await page.getByRole("button", { name: "Camera" }).click();
      await page.locator(`[role=alert][data-code=camera_${code}]`).waitFor();
      await page.getByRole("button", { name: "Close", exact: true }).click();
    }
  });
});

for (const where of ["in the service", "on this device"]) {
  test(`live ${where}: parts over the picture, nothing sent, the camera free afterwards`, async () => {
    const options = { permissions: ["camera"], args: showing(SAMPLE) };
    await withPage(options, async (page) => {
      const sent = sentPhotos(page);
      await page.evaluate(() => {
        window.tracks = [];
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => {
          const stream = await open(wanted);
          window.tracks.push(...stream.getTracks());
          return stream;
        };
      });
      if (where === "on this device") await onDevice(page);
      await page.getByRole("button", { name: "Camera" }).click();
      if (where === "in the service") {
        await page.getByRole("button", { name: "Take the photo" }).and(page.locator(":enabled")).waitFor();
        assert.equal(await page.getByTestId("live-parts").count(), 0, "only where it is wanted");
        await page.getByRole("button", { name: "Show the parts live" }).click();
      }
      await page
        .getByTestId("frame-rate")
        .getByText(/\d\.\d pictures a second/)
        .waitFor();
      const hair = await page.getByTestId("live-parts").evaluate((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let [count, top] = [0, 0];
        for (let at = 0; at < data.length; at += 4) {
          if (data[at] !== 0x80 || data[at + 1] !== 0x57 || data[at + 2] !== 0xfc) continue;
          count += 1;
          top += at < data.length / 2;
        }
        return { share: count / (canvas.width * canvas.height), top: top / count };
      });
      assert.ok(hair.share > 0.01 && hair.share < 0.2 && hair.top > 0.9, JSON.stringify(hair));
      await shoot(page, `live-${where.split(" ")[0]}`);
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      const states = await page.evaluate(() => window.tracks.map(({ readyState }) => readyState));
      assert.deepEqual([...new Set(states)], ["ended"], "the camera is free");
      assert.deepEqual(sent, []);
    });
  });
}

test("a camera that the person does not allow: said plainly", async () => {
  await withPage({}, async (page) => {
    await page.getByRole("button", { name: "Camera" }).click();
    const told = page.locator("[role=alert][data-code=camera_denied]");
    await told.waitFor();
    assert.match(await told.innerText(), /not allowed[^]*settings/);
    assert.equal(await page.getByRole("dialog").count(), 0);
  });
});
