import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

type Handler = (event: object) => void;

/** The service worker over caches that remember what they are given. */
function workerOver(stored: Map<string, unknown[]>) {
  const handlers = new Map<string, Handler>();
  const caches = {
    keys: () => Promise.resolve([...stored.keys()]),
    delete: (name: string) => Promise.resolve(stored.delete(name)),
    open: (name: string) => {
      const keys = stored.get(name) ?? [];
      stored.set(name, keys);
      return Promise.resolve({ put: (key: unknown) => Promise.resolve(void keys.push(key)) });
    },
  };
  const self = {
    addEventListener: (kind: string, handler: Handler) => handlers.set(kind, handler),
    clients: { claim: () => undefined },
    location: { origin: "https://faces.example" },
  };
  const script = readFileSync("scripts/service-worker.js", "utf8");
  const answer = () => Promise.resolve(new Response("[]"));
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
  new Function("self", "caches", "fetch", script)(self, caches, answer);
  return async (kind: string, event: object = {}) => {
    let done: unknown;
    const wait = (promise: unknown) => (done = promise);
    handlers.get(kind)!({ ...event, waitUntil: wait, respondWith: wait });
    await done;
  };
}

it("keeps what the service says of its models without the API key it was asked with", async () => {
  const stored = new Map<string, unknown[]>();
  const url = "https://faces.example/api/models/";
  const request = new Request(url, { headers: { Authorization: "Api-Key secret" } });
  await workerOver(stored)("fetch", { request });
  expect([...stored.values()]).toEqual([[url]]);
});

it("forgets the caches of earlier versions, of which one kept the key, and no other", async () => {
  const stored = new Map<string, unknown[]>(
    ["page-1", "models", "models-2", "networks"].map((name) => [name, []]),
  );
  await workerOver(stored)("activate");
  expect([...stored.keys()]).toEqual(["models-2", "networks"]);
});
