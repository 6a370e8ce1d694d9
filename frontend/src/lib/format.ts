/** 1536 -> "1.5 KB" */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** 0.0221 -> "2.2 %", never broken over lines; what is there but rounds to nothing is "< 0.1 %" */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return "<\u202f0.1\u00a0%";
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}\u00a0%`;
}

/** "left_eyebrow" -> "Left eyebrow" */
export function className(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** 512.4 -> "0.5 s", 42 -> "42 ms" */
export function formatMs(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** 12345 -> "12 345", never broken over lines */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
