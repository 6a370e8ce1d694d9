import type { Box, Point, Size } from "@/geometry/view";
import type { FoundFace } from "./alignment";
import { findFaces, refine, type Networks } from "./centerface";
import type { Octaves } from "./views";

/** Milliseconds after which all of a picture is looked at again, for faces that have come into it. */
const ANEW = 1500;

/** The faces of a moving picture: found now and then, and in between followed by their landmarks. */
export class Follower {
  private faces: readonly FoundFace[] = [];
  private foundAt = -Infinity;

  /** Those of the next picture. `goOn` throws where nobody waits for them any more. */
  async facesIn(
    networks: Networks,
    picture: Octaves,
    size: Size,
    goOn: () => void,
    now = performance.now(),
  ): Promise<readonly FoundFace[]> {
    const followed = now - this.foundAt < ANEW ? await follow(networks, picture, this.faces) : null;
    if (!followed) this.foundAt = now;
    this.faces = followed ?? (await findFaces(networks, picture, size, goOn));
    return this.faces;
  }
}

/** Null where there are none to follow, or one of them is lost. */
async function follow(
  { onet }: Networks,
  picture: Octaves,
  faces: readonly FoundFace[],
): Promise<FoundFace[] | null> {
  if (faces.length === 0) return null;
  const refined = await refine(onet, picture, faces);
  if (refined.some(({ known }) => !known)) return null;
  return refined.map(({ landmarks, score }, index) => {
    const before = faces[index]!;
    return { box: movedBy(before.box, shift(before.landmarks, landmarks)), landmarks, score };
  });
}

/** How far the middle of some points has moved. */
function shift(from: readonly Point[], to: readonly Point[]): Point {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    x: mean(to.map(({ x }, index) => x - from[index]!.x)),
    y: mean(to.map(({ y }, index) => y - from[index]!.y)),
  };
}

function movedBy({ x, y, ...size }: Box, by: Point): Box {
  return { x: x + by.x, y: y + by.y, ...size };
}
