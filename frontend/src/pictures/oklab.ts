/** Björn Ottosson, A perceptual color space for image processing, 2020. */
export type Lab = readonly [lightness: number, a: number, b: number];

const LINEAR = Float64Array.from({ length: 256 }, (_, part) => {
  const share = part / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});

/** 8-bit sRGB -> OKLab. */
export function labOf(red: number, green: number, blue: number): Lab {
  const [r, g, b] = [LINEAR[red]!, LINEAR[green]!, LINEAR[blue]!];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** Linear sRGB, which may lie outside of 0 to 1. */
function linearOf([lightness, a, b]: Lab): [number, number, number] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** OKLab -> sRGB of 0 to 255; a colour that no screen shows keeps lightness and hue, and loses saturation. */
export function rgbOfLab([lightness, a, b]: Lab): [number, number, number] {
  let [least, most] = [0, 1];
  let linear = linearOf([lightness, a, b]);
  if (!isShown(linear)) {
    for (let halvings = 0; halvings < 8; halvings += 1) {
      const share = (least + most) / 2;
      if (isShown(linearOf([lightness, share * a, share * b]))) least = share;
      else most = share;
    }
    linear = linearOf([lightness, least * a, least * b]);
  }
  return linear.map(encoded) as [number, number, number];
}

function isShown(linear: readonly number[]): boolean {
  return linear.every((part) => part >= -1e-4 && part <= 1 + 1e-4);
}

function encoded(part: number): number {
  const share = Math.min(1, Math.max(0, part));
  return Math.round(255 * (share <= 0.0031308 ? 12.92 * share : 1.055 * share ** (1 / 2.4) - 0.055));
}
