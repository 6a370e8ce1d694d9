import createClient from "openapi-fetch";
import type { components, operations, paths } from "./schema";

/** Where the API is; empty: where this page came from. */
export const API_BASE_URL = (process.env.NEXT_PUBLIC_API_BASE_URL ?? "").replace(/\/+$/, "");

export type Answer = components["schemas"]["Answer"];
/** What the page uses of a face: all but the confidence of its classes it works out itself, in both modes. */
export type Face = Pick<components["schemas"]["Face"], "number" | "box" | "score" | "landmarks"> & {
  classes: readonly Pick<components["schemas"]["FaceRegion"], "id" | "confidence">[];
};
export type ModelDetail = components["schemas"]["ModelDetail"];
export type ClassRow = components["schemas"]["ClassRow"];
export type SegmentOptions = NonNullable<operations["segment"]["parameters"]["query"]>;
export type Output = NonNullable<SegmentOptions["output"]>;

/** The API, typed by its schema. */
export const api = createClient<paths>({ baseUrl: API_BASE_URL, cache: "no-store" });

/** The header that carries an API key, or none. */
export function keyHeader(key: string): Record<string, string> {
  return key ? { Authorization: `Api-Key ${key}` } : {};
}

/** An address of the API as a person could paste it. */
export function absoluteUrl(path: string): string {
  return new URL(API_BASE_URL + path, window.location.href).href;
}
