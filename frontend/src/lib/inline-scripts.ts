/** Runs before the first paint: the theme chosen earlier, else the system's. */
export const THEME_SCRIPT = [
  '{let t=null;try{t=localStorage.getItem("theme")}catch{}',
  'const d=t?t==="dark":matchMedia("(prefers-color-scheme: dark)").matches;',
  'document.documentElement.classList.add(d?"dark":"light")}',
].join("");

/**
 * React Aria asks for the known locales while its scripts begin, and a browser builds that list at the first
 * question: a tenth of a second of a slow phone. Here it does so in a task of its own, once the page is seen.
 */
export const LOCALES_SCRIPT =
  'requestAnimationFrame(()=>setTimeout(()=>Intl.DateTimeFormat.supportedLocalesOf("en")))';
