/** After `next build`: writes out/service-worker.js, which knows the files of this build and its version. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = new URL("../out/", import.meta.url).pathname;
/** The finder's networks are kept by src/device/download.ts, beside the model. */
const LEFT_OUT = /\.(gz|br|map|onnx|txt)$|^(404|_not-found)|^service-worker\.js$/;

const files = readdirSync(OUT, { recursive: true })
  .filter((name) => statSync(join(OUT, name)).isFile() && !LEFT_OUT.test(name))
  .sort();
const hash = createHash("sha256");
for (const name of files) hash.update(name).update(readFileSync(join(OUT, name)));
const paths = files.map((name) => (name === "index.html" ? "/" : `/${name}`));

const source = readFileSync(new URL("service-worker.js", import.meta.url), "utf8");
const written = source
  .replace("const FILES = [];", `const FILES = ${JSON.stringify(paths)};`)
  .replace('const VERSION = "";', `const VERSION = "${hash.digest("hex").slice(0, 16)}";`);
writeFileSync(join(OUT, "service-worker.js"), written);
