/** A photo's faces and labels, as the service has them (ml_core.segmenter). */
import { apply, cutOf, pixelAffine, type Affine } from "@/geometry/affine";
import { letterbox } from "@/geometry/cut";
import { leftToRight } from "@/geometry/order";
import type { Size } from "@/geometry/view";
import type { LabelMap } from "@/labels/label-map";
import { alignment, type FoundFace } from "./finder/alignment";
import { clear, paste, type Look } from "./paste";
import type { Raster } from "./raster";
import { sample } from "./sample";
import type { Logits } from "./upsample";
import { coarse, gridAround, merged, partOf, reaching } from "./wide";

/** A detection is rejected if less of its central crop is labelled as head. */
const FACE = 0.3;

/** A model ready to work. */
export interface Parser {
  input: Size;
  /** Ids of the classes that are parts of a face, and that are hair. */
  face: readonly number[];
  hair: readonly number[];
  /** Whether the model takes pictures of other sizes than its input's. */
  anySize: boolean;
  /** Logits of one RGB picture. Throws where nobody waits for them any more. */
  infer: (rgb: Uint8Array, size: Size) => Promise<Logits>;
}

export interface Parsed {
  labels: LabelMap;
  /** From left to right. */
  faces: FoundFace[];
  /** Of each face's own cut. */
  logits: Logits[];
}

/** The photo as one cut, for pictures that are one face already. */
export async function parseWhole(parser: Parser, photo: Raster): Promise<Parsed> {
  const cut = cutOf(letterbox(photo, parser.input));
  const logits = await see(parser, photo, cut, parser.input);
  return { labels: paste([{ logits, cut, home: cut }], photo), faces: [], logits: [logits] };
}

/** Each of the faces found in a cut of its own, and in a wider one where hair goes on beyond it. */
export async function parseFaces(
  parser: Parser,
  photo: Raster,
  found: readonly FoundFace[],
): Promise<Parsed> {
  const parsed: { face: FoundFace; logits: Logits; look: Look }[] = [];
  const refused: FoundFace[] = [];
  for (const face of found) {
    const home = alignment(face);
    const seen = await see(parser, photo, home, parser.input);
    if (!holdsFace(parser, seen, home, photo)) {
      refused.push(face);
      continue;
    }
    parsed.push({ face, logits: seen, look: await beyond(parser, photo, seen, home) });
  }
  const boxes = parsed.map(({ face: { box } }) => [box.x, box.y, box.width, box.height]);
  const ordered = leftToRight(boxes).map((index) => parsed[index]!);
  const labels = paste(
    ordered.map(({ look }) => look),
    photo,
  );
  clear(
    labels,
    refused.map(({ box }) => box),
    parser.hair,
  );
  return { labels, faces: ordered.map(({ face }) => face), logits: ordered.map(({ logits }) => logits) };
}

async function beyond(parser: Parser, photo: Raster, logits: Logits, home: Affine): Promise<Look> {
  const classes = reaching(logits, home, photo);
  if (classes.length > 0) {
    const grid = gridAround(home, photo, logits);
    const size = parser.anySize ? coarse(parser.input) : parser.input;
    const wide = await see(parser, photo, partOf(home, grid, logits), size);
    const found = merged(logits, home, wide, grid, classes);
    if (found) return { ...found, home };
  }
  return { logits, cut: home, home };
}

function see({ infer }: Parser, photo: Raster, cut: Affine, size: Size): Promise<Logits> {
  return infer(sample(photo, cut, size), size);
}

/** Whether the middle of a cut, as far as the photo goes, holds parts of a head. */
function holdsFace({ face, hair }: Parser, logits: Logits, cut: Affine, photo: Size): boolean {
  if (face.length === 0) return true;
  const { width, height, classes, values } = logits;
  const head = new Set([...face, ...hair]);
  const place = pixelAffine(cut, logits);
  let [inside, parts] = [0, 0];
  for (let row = height >> 2; row < height - (height >> 2); row += 1) {
    for (let column = width >> 2; column < width - (width >> 2); column += 1) {
      const { x, y } = apply(place, column, row);
      if (x <= -1 || y <= -1 || x >= photo.width || y >= photo.height) continue;
      inside += 1;
      const cell = (row * width + column) * classes;
      let winner = 0;
      for (let id = 1; id < classes; id += 1) if (values[cell + id]! > values[cell + winner]!) winner = id;
      if (head.has(winner)) parts += 1;
    }
  }
  return inside > 0 && parts / inside >= FACE;
}
