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

/** As far from a control as its focus ring reaches, in pixels. */
const ROOM = 6;

/**
 * How many pixels of a part of the page differ by 3:1 from what was there before (WCAG 2.4.13). `before`: a
 * picture of the whole page; `after`: of the part alone, whose left upper corner is at `x` and `y`.
 */
const seenIn = (page, before, after, { x, y }) =>
  page.evaluate(
    ([before, after, x, y]) => {
      const linear = (value) => (value <= 10 ? value / 3295 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const light = (data, at) =>
        0.2126 * linear(data[at]) + 0.7152 * linear(data[at + 1]) + 0.0722 * linear(data[at + 2]);
      let count = 0;
      for (let row = 0; row < after.height; row += 1)
        for (let column = 0; column < after.width; column += 1) {
          const one = light(before.data, 4 * ((y + row) * before.width + x + column));
          const other = light(after.data, 4 * (row * after.width + column));
          count += (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) >= 3;
        }
      return count;
    },
    [before, after, x, y],
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
        const picture = async (clip) => pixelsOf(page, await page.screenshot({ clip }));
        await page.evaluate(() => document.activeElement?.blur());
        const before = await picture();
        const unseen = [];
        let count = 0;
        for (let presses = 0; presses < 45; presses += 1) {
          await page.keyboard.press("Tab");
          const focused = await page.evaluate((room) => {
            const element = document.activeElement;
            const control = element.closest("label, .slider__thumb") ?? element;
            const { left, top, right, bottom } = control.getBoundingClientRect();
            const [x, y] = [left, top].map((edge) => Math.max(0, Math.floor(edge - room)));
            const width = Math.min(innerWidth, Math.ceil(right + room)) - x;
            const height = Math.min(innerHeight, Math.ceil(bottom + room)) - y;
            const still = document.querySelector("aside").scrollTop === 0 && scrollY === 0;
            return element === document.body || !still
              ? null
              : { name: element.ariaLabel || element.textContent, part: { x, y, width, height } };
          }, ROOM);
          if (!focused) break;
          count += 1;
          await page.waitForTimeout(60);
          const seen = await seenIn(page, before, await picture(focused.part), focused.part);
          if (seen < 40) unseen.push(`${focused.name}: ${seen}`);
        }
        assert.ok(count > 25, `${count} controls`);
        assert.deepEqual(unseen, []);
      },
    );
  });
}

for (const colorScheme of ["dark", "light"]) {
  test(`forced colours, ${colorScheme}: the parts keep theirs, and what is switched on is seen`, async () => {
    await withPage({ forcedColors: "active", colorScheme }, async (page) => {
      await parseFile(page);
      const hair = page.getByRole("checkbox", { name: /Hair/ });
      const box = page.locator("li", { has: hair }).locator(".checkbox__control");
      const filled = () => box.evaluate((element) => getComputedStyle(element).backgroundColor);
      const on = await filled();
      await hair.press("Space");
      assert.notEqual(await filled(), on, "the box of a part that is shown");
      await hair.press("Space");
      const swatch = page.getByRole("button", { name: "Colour of hair" }).locator("span").first();
      const shown = await swatch.evaluate((element) => getComputedStyle(element).backgroundColor);
      assert.equal(shown, "rgb(128, 87, 252)");
      const [chosen, other] = await page
        .getByRole("radiogroup", { name: "Where photos are parsed" })
        .getByRole("radio")
        .evaluateAll((radios) => radios.map((radio) => getComputedStyle(radio).backgroundColor));
      assert.notEqual(chosen, other, "what is chosen");
      await shoot(page, `forced-colours-${colorScheme}`);
    });
  });
}
