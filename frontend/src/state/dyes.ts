import type { ClassRow } from "@/api/client";
import { rgbOf } from "@/labels/tints";
import type { Dyed } from "@/pictures/messages";

/** What can be given another colour, and the classes that make it up. */
export const DYEABLE = [
  { name: "Hair", classes: ["hair"] },
  { name: "Lips", classes: ["upper_lip", "lower_lip"] },
  { name: "Brows", classes: ["left_eyebrow", "right_eyebrow"] },
] as const;

export type DyeName = (typeof DYEABLE)[number]["name"];

/** `#rrggbb` and a strength of 0 to 1. */
export interface DyeOfPart {
  color: string;
  strength: number;
}

export type Dyes = Readonly<Partial<Record<DyeName, DyeOfPart>>>;

/** The dyes by the ids of a model's classes. */
export function dyedParts(dyes: Dyes, classes: readonly Pick<ClassRow, "id" | "name">[]): Dyed[] {
  return DYEABLE.flatMap(({ name, classes: names }) => {
    const dye = dyes[name];
    const ids = classes.filter((row) => (names as readonly string[]).includes(row.name)).map(({ id }) => id);
    if (!dye || ids.length === 0) return [];
    return [{ ids, dye: { color: rgbOf(dye.color), strength: dye.strength } }];
  });
}
