/** Runs before the first paint: the theme chosen earlier, else the system's. */
export const THEME_SCRIPT = [
  '{let t=null;try{t=localStorage.getItem("theme")}catch{}',
  'const d=t?t==="dark":matchMedia("(prefers-color-scheme: dark)").matches;',
  'document.documentElement.classList.add(d?"dark":"light")}',
].join("");
