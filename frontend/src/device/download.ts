import type { Fetching } from "./messages";

/** A file that stays in this browser once it has come. */
export interface Wanted {
  url: string;
  /** Of its content; null where the address says it. */
  sha256: string | null;
  headers?: Record<string, string>;
}

/** Holds what has come, by address and content, also for a visit without a connection. */
export const KEPT = "networks";

/** How much of several downloads has come, told as it comes. */
export class Meter {
  private readonly totals = new Map<string, number | null>();
  private readonly loaded = new Map<string, number>();

  constructor(private readonly tell: (fetching: Fetching) => void) {}

  expect(url: string): void {
    this.totals.set(url, null);
    this.say();
  }

  begin(url: string, total: number | null): void {
    this.totals.set(url, total);
    this.say();
  }

  add(url: string, bytes: number): void {
    this.loaded.set(url, (this.loaded.get(url) ?? 0) + bytes);
    this.say();
  }

  private say(): void {
    const sum = (values: Iterable<number | null>) =>
      [...values].reduce((one, other) => (one === null || other === null ? null : one + other), 0);
    const bytes = sum(this.totals.values());
    this.tell({ bytes, share: bytes && Math.min(1, sum(this.loaded.values())! / bytes) });
  }
}

/** The file's bytes, from this browser or fetched. Rejects if it cannot be had or is another one. */
export async function download(wanted: Wanted, meter: Meter): Promise<Uint8Array<ArrayBuffer>> {
  const kept = await fromKept(wanted);
  if (kept) return kept;
  meter.expect(wanted.url);
  const response = await fetch(wanted.url, { headers: wanted.headers });
  if (!response.ok || !response.body) throw new Error(`${response.status} ${response.statusText}`);
  meter.begin(wanted.url, Number(response.headers.get("Content-Length")) || null);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    meter.add(wanted.url, part.value.length);
  }
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  await verify(bytes, wanted.sha256);
  await keep(wanted, bytes);
  return bytes;
}

/** Whether the file is in this browser already. */
export async function isKept(wanted: Wanted): Promise<boolean> {
  return (await (await openKept())?.match(keyOf(wanted))) !== undefined;
}

async function fromKept(wanted: Wanted): Promise<Uint8Array<ArrayBuffer> | null> {
  const response = await (await openKept())?.match(keyOf(wanted));
  if (!response) return null;
  const bytes = new Uint8Array(await response.arrayBuffer());
  try {
    await verify(bytes, wanted.sha256);
  } catch {
    return null;
  }
  return bytes;
}

/** In place of earlier versions. Without room for it the file is fetched again at the next visit. */
async function keep(wanted: Wanted, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const cache = await openKept();
    const { origin, pathname } = new URL(wanted.url, location.href);
    for (const { url } of (await cache?.keys()) ?? []) {
      if (url.startsWith(`${origin}${pathname}?`)) await cache?.delete(url);
    }
    await cache?.put(keyOf(wanted), new Response(bytes));
  } catch {
    // no room, or none allowed
  }
}

/** Null outside of secure contexts and where storage is forbidden. */
async function openKept(): Promise<Cache | null> {
  try {
    return await caches.open(KEPT);
  } catch {
    return null;
  }
}

function keyOf({ url, sha256 }: Wanted): string {
  return sha256 === null ? url : `${url}?sha256=${sha256}`;
}

/** Only secure contexts can hash; elsewhere the network is trusted as for the page itself. */
async function verify(bytes: Uint8Array<ArrayBuffer>, sha256: string | null): Promise<void> {
  if (sha256 === null || !isSecureContext) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256) throw new Error("the model is not the one the service describes");
}
