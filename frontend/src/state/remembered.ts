import type { Tints } from "@/labels/tints";
import type { Where } from "@/results/result";

/** What a person chose on an earlier visit and finds again. */
export interface Remembered {
  where: Where;
  tints: Tints;
}

/** Null where nothing was chosen. */
export function remembered(): Remembered | null {
  const [where, tints] = [read("where"), read("tints")];
  if (where === null && tints === null) return null;
  return { where: where === "device" ? "device" : "service", tints: tintsIn(tints) };
}

export function remember({ where, tints }: Partial<Remembered>): void {
  if (where) write("where", where);
  if (tints) write("tints", JSON.stringify(tints));
}

function tintsIn(text: string | null): Tints {
  try {
    const found: unknown = JSON.parse(text ?? "{}");
    const rows = Object.entries(found as Record<string, unknown>);
    return Object.fromEntries(
      rows.filter((row): row is [string, string] => /^#[0-9a-f]{6}$/.test(String(row[1]))),
    );
  } catch {
    return {};
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage may be forbidden
  }
}

function write(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // the choice then lasts until the page is closed
  }
}
