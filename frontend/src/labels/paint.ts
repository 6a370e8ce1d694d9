import type { ClassRow } from "@/api/client";
import type { LabelMap } from "./label-map";

export interface Paint {
  classes: readonly Pick<ClassRow, "id" | "color">[];
  /** Ids that are not painted. */
  hidden: ReadonlySet<number>;
}

/** RGBA of each id: opaque; background and hidden ids are clear. */
export function colorTable({ classes, hidden }: Paint): Uint8ClampedArray {
  const table = new Uint8ClampedArray(256 * 4);
  for (const { id, color } of classes) {
    if (id !== 0 && !hidden.has(id)) table.set([color[0] ?? 0, color[1] ?? 0, color[2] ?? 0, 255], 4 * id);
  }
  return table;
}

/** The label map in colours: RGBA, row by row. */
export function paint(map: LabelMap, colors: Paint): Uint8ClampedArray<ArrayBuffer> {
  const table = new Uint32Array(colorTable(colors).buffer);
  const pixels = new Uint32Array(map.ids.length);
  for (let index = 0; index < pixels.length; index += 1) pixels[index] = table[map.ids[index]!]!;
  return new Uint8ClampedArray(pixels.buffer);
}
