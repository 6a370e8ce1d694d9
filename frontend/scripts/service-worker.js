/**
 * The page without a connection: all of its files, and what the service last said of its models. Requests
 * that could carry a photo are none of its business. FILES and VERSION are written by write-worker.mjs.
 */
const FILES = [];
const VERSION = "";
const PAGE = `page-${VERSION}`;
const MODELS = "models-2";
/** Of an answer from here; an isolated page takes no worker without the second. */
const KEPT_HEADERS = ["Content-Type", "Cross-Origin-Embedder-Policy"];

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOlder().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { origin, pathname } = new URL(request.url);
  const own = origin === self.location.origin;
  if (/\/api\/models\/([^/]+\/)?$/.test(pathname)) event.respondWith(newest(request, MODELS));
  else if (own && request.mode === "navigate") event.respondWith(newest(request, PAGE, "/"));
  else if (own && FILES.includes(pathname)) event.respondWith(kept(request));
});

/**
 * Not by `addAll`: with less than 5 GB of disk left Chromium stores no body as large as the runtime's while
 * it streams, and gives no Blob of it. It takes it whole.
 */
async function keepAll() {
  const cache = await caches.open(PAGE);
  const keep = async (path) => {
    const response = await fetch(path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    await cache.put(path, new Response(await response.arrayBuffer(), { headers: response.headers }));
  };
  await Promise.all(FILES.map(keep));
}

/** From the network, which is remembered; without one, what was remembered. */
async function newest(request, name, instead = request) {
  try {
    const response = await fetch(request);
    if (response.ok && instead === request) await remember(name, request, response.clone());
    return response;
  } catch (error) {
    const found = await (await caches.open(name)).match(instead, { ignoreVary: true });
    if (found) return found;
    throw error;
  }
}

/**
 * Where there is room for it: the answer serves without, too. By its address alone: a request has the API key
 * among its headers, and a cache would write them to the disk.
 */
async function remember(name, { url }, response) {
  try {
    await (await caches.open(name)).put(url, response);
  } catch {
    // storage is full or forbidden
  }
}

async function kept(request) {
  const cache = await caches.open(PAGE);
  const found = await cache.match(request, { ignoreVary: true, ignoreSearch: true });
  if (!found) return fetch(request);
  // one without an address of its own: a worker reads its parameters from the address it was asked by
  const headers = KEPT_HEADERS.map((name) => [name, found.headers.get(name)]).filter(([, value]) => value);
  return new Response(found.body, { headers });
}

/** Also "models", of an earlier version, which kept the API key. */
async function forgetOlder() {
  const names = await caches.keys();
  const old = names.filter((name) => /^(page-|models)/.test(name) && ![PAGE, MODELS].includes(name));
  await Promise.all(old.map((name) => caches.delete(name)));
}
