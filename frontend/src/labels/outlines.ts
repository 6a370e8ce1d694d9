import { coarser, stepFor, type LabelMap } from "./label-map";

/** Outlines are traced on at most so many labels: a few milliseconds. */
const MOST_TRACED = 2_000_000;

/** Directions along the borders of pixels: right, down, left, up. A part lies on the right of its border. */
const DX = [1, 0, -1, 0] as const;
const DY = [0, 1, 0, -1] as const;

/** An SVG path for each id but the background's, in pixels of the photo. */
export function outlinesOf(labels: LabelMap): Map<number, string> {
  const map = coarser(labels, stepFor(labels.width, labels.height, MOST_TRACED));
  const paths = new Map<number, string>();
  for (const [id, borders] of bordersOf(map)) paths.set(id, trace(borders, map.width + 1, map.step));
  return paths;
}

/** By id: corner of pixels (y * (width + 1) + x) -> bits of the directions in which a border leaves it. */
type Borders = Map<number, number>;

function bordersOf({ width, height, ids }: LabelMap): Map<number, Borders> {
  const found = new Map<number, Borders>();
  const corners = width + 1;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      const id = ids[at]!;
      if (id === 0) continue;
      const top = y === 0 || ids[at - width] !== id;
      const right = x === width - 1 || ids[at + 1] !== id;
      const bottom = y === height - 1 || ids[at + width] !== id;
      const left = x === 0 || ids[at - 1] !== id;
      if (!(top || right || bottom || left)) continue;
      let borders = found.get(id);
      if (!borders) found.set(id, (borders = new Map<number, number>()));
      const corner = y * corners + x;
      if (top) leave(borders, corner, 0);
      if (right) leave(borders, corner + 1, 1);
      if (bottom) leave(borders, corner + corners + 1, 2);
      if (left) leave(borders, corner + corners, 3);
    }
  }
  return found;
}

function leave(borders: Borders, corner: number, direction: number): void {
  borders.set(corner, (borders.get(corner) ?? 0) | (1 << direction));
}

/** Closed lines through the middles of the borders, which makes even slopes of stairs. */
function trace(borders: Borders, corners: number, step: number): string {
  const path: string[] = [];
  for (const start of borders.keys()) {
    while (borders.get(start)) {
      path.push("M");
      let corner = start;
      let direction = firstOf(borders.get(start)!);
      let before = -1;
      let run = 0;
      do {
        borders.set(corner, borders.get(corner)! & ~(1 << direction));
        const x = (corner % corners) + DX[direction]! / 2;
        const y = Math.floor(corner / corners) + DY[direction]! / 2;
        run = direction === before ? run + 1 : 1;
        if (run > 2) path.pop(); // of points in a row the first and the last are enough
        path.push(`${x * step} ${y * step} `);
        before = direction;
        corner += DX[direction]! + DY[direction]! * corners;
        direction = nextOf(borders.get(corner) ?? 0, direction);
      } while (direction >= 0);
      path.push("Z");
    }
  }
  return path.join("");
}

function firstOf(bits: number): number {
  return [0, 1, 2, 3].find((direction) => bits & (1 << direction))!;
}

/** Sharpest to the right, where two parts of a class touch at a corner; -1 at the end of a closed line. */
function nextOf(bits: number, direction: number): number {
  for (const turn of [1, 0, 3]) {
    const next = (direction + turn) % 4;
    if (bits & (1 << next)) return next;
  }
  return -1;
}
