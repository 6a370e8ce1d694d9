import { useSyncExternalStore } from "react";

/** Light or dark, and what changes to the other one; follows the system until a person chooses. */
export function useTheme() {
  const dark = useSyncExternalStore(subscribe, isDark, () => false);
  const toggle = () => {
    show(!dark);
    try {
      localStorage.setItem("theme", dark ? "light" : "dark");
    } catch {
      // storage may be forbidden; the choice then lasts until the page is closed
    }
  };
  return { dark, toggle };
}

const listeners = new Set<() => void>();

function subscribe(tell: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    if (chosen() === null) show(system.matches);
  };
  listeners.add(tell);
  system.addEventListener("change", follow);
  return () => {
    listeners.delete(tell);
    system.removeEventListener("change", follow);
  };
}

function isDark(): boolean {
  return document.documentElement.classList.contains("dark");
}

function show(dark: boolean): void {
  document.documentElement.classList.toggle("dark", dark);
  document.documentElement.classList.toggle("light", !dark);
  for (const tell of listeners) tell();
}

function chosen(): string | null {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}
