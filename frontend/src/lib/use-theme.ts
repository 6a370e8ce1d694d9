import { useEffect, useState } from "react";

/** Light or dark, and the way to the other one; follows the system until a person chooses. */
export function useTheme() {
  const [dark, setDark] = useState(false);
  useEffect(() => {
    setDark(document.documentElement.classList.contains("dark"));
    const system = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      if (chosen() === null) apply(system.matches);
    };
    const apply = (value: boolean) => {
      show(value);
      setDark(value);
    };
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  const toggle = () => {
    show(!dark);
    setDark(!dark);
    try {
      localStorage.setItem("theme", dark ? "light" : "dark");
    } catch {
      // storage may be forbidden; the choice then lasts until the page is closed
    }
  };
  return { dark, toggle };
}

function show(dark: boolean): void {
  document.documentElement.classList.toggle("dark", dark);
  document.documentElement.classList.toggle("light", !dark);
}

function chosen(): string | null {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
}
