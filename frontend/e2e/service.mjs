/** Services for single tests, from this repository's .venv: with keys, other models, another origin. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";

export const ROOT = new URL("../../", import.meta.url).pathname;
const PYTHON = join(ROOT, ".venv/bin/python");

/** Call `work` with the address of a service started with these settings, and with what runs manage.py. */
export async function withService(settings, work) {
  assert.ok(existsSync(PYTHON), "these tests start the service: run `make serve` once, which makes .venv");
  const folder = mkdtempSync(join(tmpdir(), "face-parts-service-"));
  const port = settings.PORT ?? (await freePort());
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    STATE_DIR: folder,
    RUN_DIR: join(folder, "run"),
    ...settings,
    PORT: String(port),
  };
  mkdirSync(env.RUN_DIR, { mode: 0o700 });
  const manage = (...words) =>
    execFileSync(PYTHON, ["manage.py", ...words], { cwd: ROOT, env, encoding: "utf8" });
  manage("migrate", "--verbosity", "0");
  const log = openSync(join(folder, "log"), "w");
  const server = spawn(PYTHON, ["-m", "gunicorn", "-c", "backend/server/config.py", "backend.wsgi"], {
    cwd: ROOT,
    env,
    stdio: ["ignore", log, log],
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const base = `http://127.0.0.1:${port}`;
  try {
    await ready(base, server, join(folder, "log"));
    await work(base, manage, folder);
  } finally {
    server.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ready(base, server, log) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (server.exitCode !== null) break;
    if (
      await fetch(`${base}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`the service did not start:\n${readFileSync(log, "utf8")}`);
}

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".jpg": "image/jpeg",
  ".svg": "image/svg+xml",
};

/** Call `work` with the address of a static host that serves a folder with the headers of vercel.json. */
export async function withStaticHost(folder, work) {
  const { headers } = JSON.parse(readFileSync(join(ROOT, "frontend/vercel.json"), "utf8"));
  const host = createServer((request, response) => {
    const path = new URL(request.url, "http://host").pathname;
    const file = join(folder, path === "/" ? "index.html" : path);
    for (const { source, headers: each } of headers) {
      if (new RegExp(`^${source}$`).test(path))
        for (const { key, value } of each) response.setHeader(key, value);
    }
    if (!existsSync(file)) return response.writeHead(404).end();
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://localhost:${host.address().port}`);
  } finally {
    host.closeAllConnections();
    host.close();
  }
}

/** A port that nobody listens on. */
async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
