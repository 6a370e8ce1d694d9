/**
 * After `next build`: gives each page of the export its own Content-Security-Policy, which allows only the
 * inline scripts in it. It is a <meta>, so that it holds wherever the export is served.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = new URL("../out/", import.meta.url).pathname;
const api = process.env.NEXT_PUBLIC_API_BASE_URL
  ? ` ${new URL(process.env.NEXT_PUBLIC_API_BASE_URL).origin}`
  : "";

for (const name of readdirSync(OUT, { recursive: true })) {
  if (!name.endsWith(".html")) continue;
  const file = join(OUT, name);
  const page = readFileSync(file, "utf8");
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy(page)}"/>`;
  writeFileSync(file, page.replace("<head>", `<head>${meta}`));
}

function policy(page) {
  const inline = [...page.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)];
  const hashes = new Set(
    inline.map(([, text]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`),
  );
  return [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' ${[...hashes].join(" ")}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    `connect-src 'self'${api}`,
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
}
