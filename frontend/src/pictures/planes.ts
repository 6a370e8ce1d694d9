/** One number a pixel, row by row. */
export interface Plane {
  width: number;
  height: number;
  values: Float32Array;
}

export function planeOf(width: number, height: number): Plane {
  return { width, height, values: new Float32Array(width * height) };
}

/** The mean over a square of 2 * radius + 1 pixels about each pixel, as far as the plane goes. */
export function boxMean({ width, height, values }: Plane, radius: number): Plane {
  const across = planeOf(width, height);
  for (let y = 0; y < height; y += 1)
    slide(values, across.values, { start: y * width, step: 1, length: width, radius });
  const mean = planeOf(width, height);
  for (let x = 0; x < width; x += 1)
    slide(across.values, mean.values, { start: x, step: width, length: height, radius });
  return mean;
}

interface Line {
  start: number;
  step: number;
  length: number;
  radius: number;
}

/** The running mean along a line of pixels. */
function slide(from: Float32Array, to: Float32Array, { start, step, length, radius }: Line): void {
  let sum = 0;
  for (let at = 0; at < Math.min(radius, length); at += 1) sum += from[start + at * step]!;
  for (let at = 0; at < length; at += 1) {
    const next = at + radius;
    const past = at - radius - 1;
    if (next < length) sum += from[start + next * step]!;
    if (past >= 0) sum -= from[start + past * step]!;
    const count = Math.min(next, length - 1) - Math.max(past, -1);
    to[start + at * step] = sum / count;
  }
}

/** The mean of each square of `factor` pixels both ways. */
export function smaller({ width, height, values }: Plane, factor: number): Plane {
  const small = planeOf(Math.ceil(width / factor), Math.ceil(height / factor));
  for (let y = 0; y < small.height; y += 1) {
    const bottom = Math.min(height, (y + 1) * factor);
    for (let x = 0; x < small.width; x += 1) {
      const right = Math.min(width, (x + 1) * factor);
      let sum = 0;
      for (let row = y * factor; row < bottom; row += 1)
        for (let column = x * factor; column < right; column += 1) sum += values[row * width + column]!;
      small.values[y * small.width + x] = sum / ((bottom - y * factor) * (right - x * factor));
    }
  }
  return small;
}

/** What lies between the values of a plane made `factor` times smaller, at a pixel of the larger one. */
export function between({ width, height, values }: Plane, factor: number, x: number, y: number): number {
  const left = clamp((x + 0.5) / factor - 0.5, width - 1);
  const top = clamp((y + 0.5) / factor - 0.5, height - 1);
  const column = Math.min(Math.floor(left), Math.max(0, width - 2));
  const row = Math.min(Math.floor(top), Math.max(0, height - 2));
  const [dx, dy] = [left - column, top - row];
  const at = row * width + column;
  const right = width > 1 ? 1 : 0;
  const below = height > 1 ? width : 0;
  const upper = values[at]! * (1 - dx) + values[at + right]! * dx;
  const lower = values[at + below]! * (1 - dx) + values[at + below + right]! * dx;
  return upper * (1 - dy) + lower * dy;
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
