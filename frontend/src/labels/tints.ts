import type { ClassRow } from "@/api/client";

/** Colours made for looking at, or the data set's, which downloads use. */
export type Palette = "looking" | "dataset";

/** `#rrggbb` by the class's name. */
export type Tints = Readonly<Record<string, string>>;

/**
 * Left and right are two lightnesses of one hue. Neighbouring parts differ for colour-blind eyes too:
 * tints.test.ts simulates them.
 */
export const LOOKING: Tints = {
  skin: "#fde4b8",
  hair: "#8057fc",
  left_eyebrow: "#33a353",
  right_eyebrow: "#75caa7",
  left_eye: "#00acff",
  right_eye: "#b9dcff",
  nose: "#f5a522",
  upper_lip: "#f0466b",
  inner_mouth: "#8e1538",
  lower_lip: "#ff8fa8",
};

type Row = Pick<ClassRow, "id" | "name" | "color">;

/** A class's colour on the page: a person's own, else the palette's, else the model's. */
export function tintOf({ name, color }: Row, palette: Palette, own: Tints): string {
  return own[name] ?? (palette === "looking" ? LOOKING[name] : undefined) ?? hexOf(color);
}

/** The classes in the page's colours. */
export function tinted<Any extends Row>(classes: readonly Any[], palette: Palette, own: Tints): Any[] {
  return classes.map((row) => ({ ...row, color: rgbOf(tintOf(row, palette, own)) }));
}

/** [255, 0, 128] -> "#ff0080" */
export function hexOf(color: readonly number[]): string {
  return `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** "#ff0080" -> [255, 0, 128] */
export function rgbOf(hex: string): [number, number, number] {
  const part = (at: number) => parseInt(hex.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}
