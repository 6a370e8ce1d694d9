/**
 * CenterFace in several looks, as the service has it (ml_core.faces.centerface): the photo at two or three
 * scales, what is not sure once more by itself and turned, and O-Net for the landmarks.
 */
import { apply, type Bounds } from "@/geometry/affine";
import type { Box, Point, Size } from "@/geometry/view";
import { suppressed, suppressedNested, type Scored } from "./boxes";
import type { FoundFace } from "./alignment";
import type { Network } from "./network";
import { rate } from "./onet";
import { tiles, turns, wholePhoto, type Octaves, type View } from "./views";

/** Pixels from one answer of the network to the next. */
const CELL = 4;
/** Scores from which something is looked at again, in all of a photo and in its parts, and is a face. */
const [HINT, TINY, SURE] = [0.05, 0.02, 0.5];
/** O-Net's score from which its landmarks are the better ones. */
const TRUSTED = 0.7;
/** O-Net looks again, from its own landmarks, where one moved by more than this share of their extent. */
const [ROUNDS, STILL] = [3, 0.05];
/** Second looks per run. */
const BATCH = 8;
/** Side in pixels of the picture of a second look, and how much larger it is than the face in it. */
const [AGAIN, ROOM] = [64, 1.7];
/** Height in pixels below which there is nothing to parse in a face. */
const PARSED = 18;
/** Second looks per photo at most, the best hints first; and how many more for each of its parts. */
const [DOUBTFUL, MORE] = [32, 8];

export interface Networks {
  centerface: Network;
  onet: Network;
}

/** A detection, in pixels of the photo. */
interface Seen extends Scored {
  landmarks: readonly Point[];
}

/** The faces of a photo of this size, best first. `goOn` throws where nobody waits for them any more. */
export async function findFaces(
  networks: Networks,
  photo: Octaves,
  size: Size,
  goOn: () => void,
): Promise<FoundFace[]> {
  const look = async (views: readonly View[], least = HINT): Promise<Seen[][]> => {
    goOn();
    const pictures = views.map((view) => photo.picture(view));
    const { dims, values } = await networks.centerface(pictures, views[0]!.size);
    return views.map((view, index) => decoded(values[index]!, dims, view, least));
  };
  const lookAtEach = async (views: readonly View[], least: number): Promise<Seen[]> => {
    const found: Seen[] = [];
    for (const view of views) found.push(...(await look([view], least))[0]!);
    return found;
  };
  const whole = await lookAtEach(wholePhoto(size), HINT);
  const heights = whole.filter(({ score }) => score >= SURE).map(({ box }) => box.bottom - box.top);
  const parts = tiles(size, Math.max(0, ...heights));
  const seen = [...whole, ...(await lookAtEach(parts, TINY))];
  const apart = suppressed(within(seen, size), 0.3);
  const refined = await refine(networks.onet, photo, apart.filter(isSure));
  const unknown = refined.filter(({ known }) => !known);
  const hints = apart.filter((each) => !isSure(each));
  const doubtful = [...unknown, ...hints].slice(0, DOUBTFUL + MORE * parts.length);
  const again = await lookAgain(look, doubtful, unknown.length);
  const found = within([...refined, ...(await refine(networks.onet, photo, again))], size);
  return suppressedNested(found, 0.6).map(({ score, box, landmarks }) => ({
    score,
    box: boxOf(box),
    landmarks,
  }));
}

type Look = (views: readonly View[]) => Promise<Seen[][]>;

const isSure = ({ score }: Seen) => score >= SURE;

/**
 * Second looks: where one of the four turns of a detection is sure, the best of them.
 * A hint that is none from near is turned no further; the first `unknown` may be turned, or in profile.
 */
async function lookAgain(look: Look, doubtful: readonly Seen[], unknown: number) {
  const views = doubtful.map(({ box }) => turns(boxOf(box), ROOM, AGAIN));
  const central = async (chosen: readonly number[], turn: number) => {
    const found: Seen[][] = [];
    for (let first = 0; first < chosen.length; first += BATCH) {
      const some = chosen.slice(first, first + BATCH);
      const seen = await look(some.map((index) => views[index]![turn]!));
      some.forEach((index, at) => found.push(like(seen[at]!, boxOf(doubtful[index]!.box))));
    }
    return found;
  };
  const all = doubtful.map((_, index) => index);
  const found = await central(all, 0);
  const open = all.filter((index) => {
    const score = best(found[index]!)?.score ?? 0;
    return index < unknown || (score >= HINT && score < SURE);
  });
  for (const turn of [1, 2, 3]) {
    const turned = await central(open, turn);
    open.forEach((index, at) => found[index]!.push(...turned[at]!));
  }
  return found.flatMap((seen) => best(seen) ?? []).filter(isSure);
}

/** With O-Net's landmarks and score where it knows the face. */
export async function refine<Any extends { score: number; landmarks: readonly Point[] }>(
  network: Network,
  photo: Octaves,
  seen: readonly Any[],
): Promise<(Any & { known: boolean })[]> {
  const found = seen.map((each) => ({ ...each, known: false }));
  let left = found.map((_, index) => index);
  for (let round = 0; round < ROUNDS && left.length > 0; round += 1) {
    const rated = await rate(
      network,
      photo,
      left.map((index) => found[index]!.landmarks),
    );
    left = left.filter((index, at) => {
      const { score, landmarks } = rated[at]!;
      if (score < TRUSTED) return false;
      const before = found[index]!.landmarks;
      found[index] = {
        ...found[index]!,
        landmarks,
        known: true,
        score: Math.max(seen[index]!.score, score),
      };
      const shifts = landmarks.map(({ x, y }, point) =>
        Math.max(Math.abs(x - before[point]!.x), Math.abs(y - before[point]!.y)),
      );
      return Math.max(...shifts) > STILL * extent(landmarks);
    });
  }
  return found;
}

/** Without what is too small, and without the mirror images beyond the photo. */
function within<Found extends Seen>(seen: readonly Found[], { width, height }: Size): Found[] {
  return seen.filter(({ box: { left, top, right, bottom } }) => {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const beyondX = Math.max(-x, x - width);
    const beyondY = Math.max(-y, y - height);
    return bottom - top >= PARSED && beyondX <= 0.1 * (right - left) && beyondY <= 0.1 * (bottom - top);
  });
}

/** 15 planes of answers for a view -> what they say about the photo. */
function decoded(
  values: Float32Array,
  [, rows, columns]: readonly number[],
  { cut, size }: View,
  leastScore: number,
): Seen[] {
  const plane = rows! * columns!;
  const least = Math.log(leastScore / (1 - leastScore));
  const found: Seen[] = [];
  for (let cell = 0; cell < plane; cell += 1) {
    if (values[cell]! < least) continue;
    const value = (index: number) => values[index * plane + cell]!;
    const halfHeight = (CELL * Math.exp(value(1))) / 2;
    const halfWidth = (CELL * Math.exp(value(2))) / 2;
    const y = CELL * (Math.floor(cell / columns!) + value(3) + 0.5);
    const x = CELL * ((cell % columns!) + value(4) + 0.5);
    const [top, left] = [y - halfHeight, x - halfWidth];
    const inPhoto = (px: number, py: number) => apply(cut, px / size.width, py / size.height);
    const landmarks = Array.from({ length: 5 }, (_, point) =>
      inPhoto(left + value(6 + 2 * point) * 2 * halfWidth, top + value(5 + 2 * point) * 2 * halfHeight),
    );
    const box = around(inPhoto(left, top), inPhoto(x + halfWidth, y + halfHeight));
    found.push({ score: 1 / (1 + Math.exp(-value(0))), landmarks, box });
  }
  return suppressed(found, 0.3);
}

/** What is about the same face as the box: near its middle and of its size. */
function like(seen: readonly Seen[], { x, y, width, height }: Box): Seen[] {
  const side = Math.max(width, height);
  return seen.filter(({ box: { left, top, right, bottom } }) => {
    const away =
      Math.max(Math.abs(left + right - 2 * x - width), Math.abs(top + bottom - 2 * y - height)) / 2;
    const size = Math.max(right - left, bottom - top) / side;
    return away < 0.3 * side && size > 0.5 && size < 2;
  });
}

function best(seen: readonly Seen[]): Seen | undefined {
  return seen.reduce<Seen | undefined>(
    (one, other) => (one && one.score >= other.score ? one : other),
    undefined,
  );
}

/** Two corners may have been turned. */
function around(one: Point, other: Point): Bounds {
  return {
    left: Math.min(one.x, other.x),
    top: Math.min(one.y, other.y),
    right: Math.max(one.x, other.x),
    bottom: Math.max(one.y, other.y),
  };
}

function boxOf({ left, top, right, bottom }: Bounds): Box {
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The longer side of what holds the points. */
function extent(points: readonly Point[]): number {
  const length = (values: number[]) => Math.max(...values) - Math.min(...values);
  return Math.max(length(points.map(({ x }) => x)), length(points.map(({ y }) => y)));
}
