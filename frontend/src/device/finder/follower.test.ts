import { expect, it } from "vitest";
import type { Raster } from "@/device/raster";
import { Follower } from "./follower";
import type { Network } from "./network";
import { Octaves } from "./views";

const SIZE = { width: 128, height: 128 };
const RASTER: Raster = { ...SIZE, channels: 4, data: new Uint8ClampedArray(4 * 128 * 128).fill(128) };

/** Networks that see one face in the middle of whatever they look at, and how often each was asked. */
function networks() {
  const asked = { centerface: 0, onet: 0, isKnown: true };
  const centerface: Network = (pictures, { width, height }) => {
    asked.centerface += 1;
    const [rows, columns] = [height / 4, width / 4];
    const values = new Float32Array(15 * rows * columns).fill(-9);
    const cell = (rows / 2) * columns + columns / 2;
    const side = Math.log(height / 8);
    [5, side, side, 0, 0, 0.4, 0.3, 0.4, 0.7, 0.6, 0.5, 0.8, 0.35, 0.8, 0.65].forEach((value, plane) => {
      values[plane * rows * columns + cell] = value;
    });
    return Promise.resolve({ dims: [15, rows, columns], values: pictures.map(() => values) });
  };
  const onet: Network = (pictures) => {
    asked.onet += 1;
    const eyesNoseMouth = [0.3, 0.7, 0.5, 0.35, 0.65, 0.35, 0.35, 0.55, 0.75, 0.75];
    const values = Float32Array.from([0, 0, 0, 0, ...eyesNoseMouth, asked.isKnown ? 5 : -5]);
    return Promise.resolve({ dims: [15], values: pictures.map(() => values) });
  };
  return { asked, networks: { centerface, onet } };
}

it("follows a face it has found, and looks for faces anew when it is lost or time has passed", async () => {
  const { asked, networks: both } = networks();
  const follower = new Follower();
  const next = (now: number) => follower.facesIn(both, new Octaves(RASTER), SIZE, () => undefined, now);
  expect(await next(0)).toHaveLength(1);
  const once = asked.centerface;
  expect(once).toBeGreaterThan(0);

  expect(await next(100)).toHaveLength(1);
  expect(await next(200)).toHaveLength(1);
  expect(asked.centerface).toBe(once);

  asked.isKnown = false;
  await next(300);
  expect(asked.centerface).toBeGreaterThan(once);

  asked.isKnown = true;
  const twice = asked.centerface;
  await next(400);
  expect(asked.centerface).toBe(twice);
  await next(5000);
  expect(asked.centerface).toBeGreaterThan(twice);
});
