import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asTrouble, KNOWN_CODES, trouble, troubleOf, TroubleError } from "./trouble";

const answer = (status: number, headers = {}) => new Response(null, { status, headers });
const code = (error: unknown) => (error as TroubleError).trouble.code;

/** What is answered to requests that a browser does not send, or to options that the page does not use. */
const NOT_FOR_PAGES = [
  "client_gone",
  "no_such_face",
  "uri_too_long",
  "expectation_failed",
  "headers_too_large",
  "unsupported_transfer_coding",
];

/** Every `type` in the table of errors of docs/api.md. */
function documented(): string[] {
  const rows = readFileSync("../docs/api.md", "utf8").matchAll(/^\| (?:[45]\d\d ?)+\| (`[^|]*`) \|/gm);
  return [...rows].flatMap(([, codes]) => [...codes!.matchAll(/`(\w+)`/g)].map(([, code]) => code!));
}

const API_CODES = documented().filter((code) => !NOT_FOR_PAGES.includes(code));

describe("words", () => {
  it("exist for every error of the API", () => {
    expect(API_CODES.length).toBeGreaterThan(20);
    expect(KNOWN_CODES).toEqual(expect.arrayContaining(API_CODES));
  });

  it("differ in what they say", () => {
    const words = API_CODES.map((each) => trouble(each).trouble).map(({ title, hint }) => title + hint);
    const same = words.length - new Set(words).size;
    expect(same).toBeLessThanOrEqual(1); // an unknown format is the same to a person, whoever finds it
  });
});

describe("troubleOf", () => {
  it("follows the type of the envelope and keeps what the service said", () => {
    const found = troubleOf(answer(422), {
      type: "broken_image",
      detail: "cut short",
      request_id: "7",
    }).trouble;
    expect(found).toMatchObject({
      code: "broken_image",
      detail: "cut short",
      requestId: "7",
      remedy: "other-photo",
    });
  });

  it("knows how long to wait", () => {
    const found = troubleOf(answer(429, { "Retry-After": "7" }), { type: "rate_limited" }).trouble;
    expect(found).toMatchObject({ wait: 7, remedy: "wait" });
  });

  it("goes by the status where something else answered", () => {
    expect(code(troubleOf(answer(413), "<html>"))).toBe("upload_too_large");
    expect(code(troubleOf(answer(500), "<html>"))).toBe("internal_error");
    expect(code(troubleOf(answer(502), "<html>"))).toBe("unreachable");
    expect(code(troubleOf(answer(504), "<html>"))).toBe("unreachable");
    expect(code(troubleOf(answer(418), null))).toBe("unexpected_answer");
  });

  it("says how large a photo is that is too large", () => {
    const photo = new File([new Uint8Array(3 << 20)], "large.jpg");
    expect(troubleOf(answer(413), { type: "upload_too_large" }, { photo }).trouble.title).toContain("3.0 MB");
  });
});

describe("asTrouble", () => {
  it("takes a failed fetch for a service that cannot be reached", () => {
    expect(code(asTrouble(new TypeError("Failed to fetch")))).toBe("unreachable");
  });

  it("takes what is no JSON for the answer of something else", () => {
    expect(code(asTrouble(new SyntaxError("Unexpected token '<'")))).toBe("unexpected_answer");
  });

  it("suspects the size of a large photo", () => {
    const photo = new File([new Uint8Array(16 << 20)], "large.jpg");
    expect(code(asTrouble(new TypeError("Failed to fetch"), { photo }))).toBe("broke_off");
  });

  it("leaves an abort alone", () => {
    const abort = new DOMException("", "AbortError");
    expect(asTrouble(abort)).toBe(abort);
  });
});

it("covers every status of the committed schema", () => {
  const schema = readFileSync("openapi.yaml", "utf8");
  const statuses = new Set([...schema.matchAll(/^ {8}'([45]\d\d)':/gm)].map(([, status]) => Number(status)));
  expect(statuses.size).toBeGreaterThan(5);
  for (const status of statuses) {
    if (status === 400 || status === 406) continue; // never without an envelope
    expect(code(troubleOf(answer(status), null))).not.toBe("unexpected_answer");
  }
});
