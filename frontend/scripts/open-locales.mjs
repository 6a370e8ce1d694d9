/**
 * After `next build`: opens the browser's locales while the page's style sheet is still on its way. Chrome reads them at
 * the first use of Intl, for some 30 ms on a desk; HeroUI's sliders would do so while the page becomes usable.
 */
import { readFileSync, writeFileSync } from "node:fs";

const page = new URL("../out/index.html", import.meta.url);
writeFileSync(page, readFileSync(page, "utf8").replace("<head>", "<head><script>new Intl.NumberFormat</script>"));
