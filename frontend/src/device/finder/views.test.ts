import { expect, it } from "vitest";
import { Octaves, tiles, wholePhoto } from "./views";

// what ml_core.faces.views gives
it.each([
  [60000, 1, { width: 7680, height: 32 }, [60000, 0, 0, 0, 250, 0], 4],
  [1, 60000, { width: 32, height: 7680 }, [250, 0, 0, 0, 60000, 0], 4],
  [12000, 40, { width: 7680, height: 32 }, [12000, 0, 0, 0, 50, 0], 0],
])("looks at a strip of %i x %i as the service does", (width, height, size, cut, count) => {
  const [whole] = wholePhoto({ width, height });
  expect(whole).toEqual({ size, cut });
  const found = tiles({ width, height }, 0);
  expect(found).toHaveLength(count);
  for (const each of found) expect([each.size.width, each.size.height].sort()).toEqual([32, 6944]);
});

it("makes a line of pixels smaller without losing any", () => {
  const data = Uint8ClampedArray.from({ length: 4 * 64 }, (_, at) => (at % 32 < 4 ? 240 : 0));
  const octaves = new Octaves({ width: 64, height: 1, channels: 4, data });
  const picture = octaves.picture({ cut: [64, 0, 0, 0, 8, 0], size: { width: 8, height: 1 } });
  expect([...picture]).toEqual(Array.from({ length: 24 }, () => 30));
});
