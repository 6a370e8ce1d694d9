import { formatBytes } from "@/lib/format";
import { WORDS, type Trouble } from "./trouble-words";

export type { Remedy, Trouble } from "./trouble-words";

export class TroubleError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.title);
  }
}

/** What was sent, for words that speak of it. */
export interface Sent {
  photo?: File;
  key?: string;
}

const BY_STATUS: Record<number, string> = {
  401: "api_key_missing",
  403: "api_key_invalid",
  404: "not_found",
  405: "method_not_allowed",
  408: "upload_timeout",
  413: "upload_too_large",
  415: "unsupported_image",
  422: "broken_image",
  429: "rate_limited",
  502: "unreachable",
  503: "too_busy",
  504: "unreachable",
};

/** The codes that have words of their own. */
export const KNOWN_CODES: readonly string[] = Object.keys(WORDS);

/** A trouble by its code, for those that this page finds itself. */
export function trouble(code: string, more: Partial<Trouble> = {}): TroubleError {
  const words = WORDS[code] ?? WORDS.unexpected_answer!;
  return new TroubleError({ code, ...words, ...more });
}

/** What an answer other than 2xx means. `body` is its JSON, or text where something else answered. */
export function troubleOf(response: Response, body: unknown, sent: Sent = {}): TroubleError {
  const problem = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const code = codeOf(problem.type, response.status);
  const wait = Number(response.headers.get("Retry-After")) || undefined;
  const detail = text(problem.detail);
  const requestId = text(problem.request_id) ?? response.headers.get("X-Request-Id") ?? undefined;
  const found = trouble(code, { wait, detail, requestId }).trouble;
  if (code === "upload_too_large" && sent.photo) {
    found.title = `The photo is too large to send (${formatBytes(sent.photo.size)})`;
  }
  if (code === "api_key_missing" && sent.key) return trouble("api_key_invalid", { requestId });
  return new TroubleError(found);
}

/** Whether somebody ended it. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Anything thrown on the way as a TroubleError; an abort stays what it is. */
export function asTrouble(error: unknown, sent: Sent = {}): unknown {
  if (error instanceof TroubleError || isAbort(error)) return error;
  if (error instanceof SyntaxError) return trouble("unexpected_answer"); // no JSON: something else answered
  if (typeof navigator !== "undefined" && !navigator.onLine) return trouble("offline");
  if (sent.photo && sent.photo.size > LARGE) {
    const size = formatBytes(sent.photo.size);
    return trouble("broke_off", {
      hint: `${size} may be more than the service takes; a smaller photo helps.`,
    });
  }
  return trouble("unreachable");
}

/** From here on a lost connection is more likely a service that hung up on a large body. */
const LARGE = 15 << 20;

function codeOf(type: unknown, status: number): string {
  if (typeof type === "string" && type in WORDS) return type;
  return BY_STATUS[status] ?? (status >= 500 ? "internal_error" : "unexpected_answer");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
