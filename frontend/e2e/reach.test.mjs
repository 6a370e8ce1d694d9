/** Whoever uses it: by a finger, by the keyboard, in the system's own colours, without motion. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { parseFile, PHONE, pixelsOf, shoot, withPage } from "./browser.mjs";
import { ROOT } from "./service.mjs";

/** What is pressed and offers a finger less than 44 x 44 pixels. */
const tooSmall = (page) =>
  page.evaluate(() => {
    const found = [];
    for (const control of document.querySelectorAll(
      "button, a[href], label:has(input), .slider, [role=option]",
    )) {
      if (control.closest("[data-testid=face-box]")) continue; // the list of faces does the same
      const { offsetWidth: width, offsetHeight: height } = control; // laid out: pressed, it looks smaller
      if (width > 1 && (width < 43.5 || height < 43.5))
        found.push(`${control.ariaLabel || control.textContent}: ${width} x ${height}`);
    }
    return found;
  });

for (const [kind, viewport] of Object.entries({
  upright: PHONE.viewport,
  sideways: { width: 740, height: 360 },
})) {
  test(`on a phone held ${kind} whatever is pressed has 44 pixels`, async () => {
    await withPage({ ...PHONE, viewport, permissions: ["camera"] }, async (page) => {
      const small = async (where) => assert.deepEqual(await tooSmall(page), [], where);
      await page.getByRole("checkbox", { name: /Hair/ }).waitFor();
      await small("empty");
      for (const name of ["Model card, limits, privacy", "Camera"]) {
        await page.getByRole("button", { name }).click();
        await page.getByRole("dialog").waitFor();
        await page.waitForTimeout(300);
        await small(name);
        await shoot(page, `${kind}-${name.split(" ")[0].toLowerCase()}`);
        await page
          .getByRole("button", { name: /^(Close|Stop)$/ })
          .first()
          .click();
        await page.getByRole("dialog").waitFor({ state: "detached" });
      }
      await parseFile(page, join(ROOT, "samples/group.jpg"));
      await page.waitForTimeout(300);
      await small("with a result");
      await page.getByRole("button", { name: "Colour of hair" }).click();
      await page.getByRole("dialog").waitFor();
      await page.waitForTimeout(400); // it grows as it opens
      await small("a colour");
      await shoot(page, `${kind}-colour`);
      await page.keyboard.press("Escape");
      if (kind === "sideways") return;
      for (const group of ["Faces", "Export"]) {
        await page.getByRole("radio", { name: group }).click();
        if (group === "Faces")
          await page.getByRole("region", { name: "Recolour" }).getByRole("button", { name: "Lips" }).click();
        await page.waitForTimeout(300);
        await small(group);
      }
    });
  });
}

test("on a phone a slider takes a tap beside its track", async () => {
  await withPage(PHONE, async (page) => {
    await parseFile(page);
    const slider = page.getByRole("slider", { name: "Opacity" });
    const track = await page.locator(".slider", { has: slider }).boundingBox();
    await page.touchscreen.tap(track.x + track.width / 2, track.y + track.height - 5);
    const value = Number(await slider.inputValue());
    assert.ok(Math.abs(value - 50) < 6, `a tap at its lower edge: ${value}`);
  });
});

/** How many pixels of the second picture differ from the first by 3:1 around a control (WCAG 2.4.13). */
const seenAround = (page, pictures, box) =>
  page.evaluate(
    ([[before, after], { x, y, width, height }]) => {
      const linear = (value) => (value <= 10 ? value / 3295 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const light = (data, at) =>
        0.2126 * linear(data[at]) + 0.7152 * linear(data[at + 1]) + 0.0722 * linear(data[at + 2]);
      const room = 6;
      let count = 0;
      for (
        let row = Math.max(0, Math.floor(y - room));
        row < Math.min(before.height, y + height + room);
        row += 1
      )
        for (
          let column = Math.max(0, Math.floor(x - room));
          column < Math.min(before.width, x + width + room);
          column += 1
        ) {
          const at = 4 * (row * before.width + column);
          const [one, other] = [light(before.data, at), light(after.data, at)];
          count += (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) >= 3;
        }
      return count;
    },
    [pictures, box],
  );

for (const look of [
  { colorScheme: "light" },
  { colorScheme: "dark" },
  { colorScheme: "dark", forcedColors: "active" },
]) {
  const name = Object.values(look).join(", ");
  test(`${name}: the keyboard's focus is seen on every control`, async () => {
    await withPage(
      { ...look, reducedMotion: "reduce", viewport: { width: 1440, height: 1400 } },
      async (page) => {
        await parseFile(page);
        await page.mouse.move(0, 0);
        await page.waitForTimeout(500);
        const picture = async () => pixelsOf(page, await page.screenshot());
        await page.evaluate(() => document.activeElement?.blur());
        const before = await picture();
        const unseen = [];
        let count = 0;
        for (let presses = 0; presses < 45; presses += 1) {
          await page.keyboard.press("Tab");
          const focused = await page.evaluate(() => {
            const element = document.activeElement;
            const control = element.closest("label, .slider__thumb") ?? element;
            const { x, y, width, height } = control.getBoundingClientRect();
            const still = document.querySelector("aside").scrollTop === 0 && scrollY === 0;
            return element === document.body || !still
              ? null
              : { name: element.ariaLabel || element.textContent, box: { x, y, width, height } };
          });
          if (!focused) break;
          count += 1;
          await page.waitForTimeout(60);
          const seen = await seenAround(page, [before, await picture()], focused.box);
          if (seen < 40) unseen.push(`${focused.name}: ${seen}`);
        }
        assert.ok(count > 25, `${count} controls`);
        assert.deepEqual(unseen, []);
      },
    );
  });
}

test("forced colours leave the parts' own, and say what is switched on", async () => {
  await withPage({ forcedColors: "active", colorScheme: "dark" }, async (page) => {
    await parseFile(page);
    const swatch = page.getByRole("button", { name: "Colour of hair" }).locator("span").first();
    const shown = await swatch.evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.equal(shown, "rgb(128, 87, 252)");
    const [chosen, other] = await page
      .getByRole("radiogroup", { name: "Where photos are parsed" })
      .getByRole("radio")
      .evaluateAll((radios) => radios.map((radio) => getComputedStyle(radio).backgroundColor));
    assert.notEqual(chosen, other, "what is chosen");
    await shoot(page, "forced-colours");
  });
});
