/** After `next build`: writes .gz and .br beside each text file of the export, for whitenoise to serve. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const OUT = new URL("../out/", import.meta.url).pathname;
const TEXT = /\.(html|m?js|css|svg|txt|json|wasm)$/;
const LARGE = 1 << 20;

if (!process.env.VERCEL) {
  for (const name of readdirSync(OUT, { recursive: true })) {
    const file = join(OUT, name);
    if (!TEXT.test(name) || !statSync(file).isFile()) continue;
    const bytes = readFileSync(file);
    const quality = bytes.length > LARGE ? 7 : 11; // the best takes a minute for the runtime and gains little
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(
      `${file}.br`,
      brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } }),
    );
  }
}
