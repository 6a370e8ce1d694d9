/** As ml_core.faces.boxes. */
import type { Bounds } from "@/geometry/affine";

export interface Scored {
  score: number;
  box: Bounds;
}

/** Boxes compared with one another at most, the best ones. */
const MOST = 2000;

/** The best first; one goes when a better one shares more than `limit` of their union. */
export function suppressed<Found extends Scored>(found: readonly Found[], limit: number): Found[] {
  return kept(
    byScore(found).slice(0, MOST),
    (one, other, both) => both / (area(one) + area(other) - both),
    limit,
  );
}

/** As `suppressed`, by the share of the smaller of two boxes: one within another goes. */
export function suppressedNested<Found extends Scored>(found: readonly Found[], limit: number): Found[] {
  return kept(byScore(found), (one, other, both) => both / Math.min(area(one), area(other)), limit);
}

type Share = (one: Bounds, other: Bounds, both: number) => number;

function kept<Found extends Scored>(ordered: readonly Found[], share: Share, limit: number): Found[] {
  const found: Found[] = [];
  for (const next of ordered) {
    if (found.every(({ box }) => share(box, next.box, common(box, next.box)) <= limit)) found.push(next);
  }
  return found;
}

function byScore<Found extends Scored>(found: readonly Found[]): Found[] {
  return [...found].sort((one, other) => other.score - one.score);
}

function area({ left, top, right, bottom }: Bounds): number {
  return (right - left) * (bottom - top);
}

function common(one: Bounds, other: Bounds): number {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return Math.max(0, width) * Math.max(0, height);
}
