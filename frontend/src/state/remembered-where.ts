import type { Where } from "@/results/result";

const KEY = "where";

/** Where photos are to be parsed, as chosen on an earlier visit. */
export function rememberedWhere(): Where {
  try {
    return localStorage.getItem(KEY) === "device" ? "device" : "service";
  } catch {
    return "service"; // storage may be forbidden
  }
}

export function rememberWhere(where: Where): void {
  try {
    localStorage.setItem(KEY, where);
  } catch {
    // the choice then lasts until the page is closed
  }
}
