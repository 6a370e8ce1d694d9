import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { segmentBatch } from "./batch";
import { api } from "./client";
import { segment } from "./segment";
import { againIfShut, openGate, shutGate } from "./sending";

const PHOTO = new File(["\xff\xd8\xff"], "a.jpg", { type: "image/jpeg" });
const ended: unknown = expect.objectContaining({ name: "AbortError" });
let asked = 0;

beforeEach(() => {
  asked = 0;
  const asFetch = async (_: string, { signal }: { signal: AbortSignal }) => {
    const abort = new DOMException("", "AbortError");
    if (signal.aborted) throw abort;
    asked += 1;
    await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(abort)));
  };
  vi.spyOn(api, "POST").mockImplementation(asFetch as never);
});
afterEach(openGate);

it("nothing is sent through a shut gate", async () => {
  shutGate();
  await expect(segment({ photo: PHOTO, options: {}, key: "" })).rejects.toEqual(ended);
  await expect(segmentBatch({ photos: [PHOTO], options: {}, key: "" })).rejects.toEqual(ended);
  expect(asked).toBe(0);
});

it("what is being sent ends as the gate shuts, with all that was to follow", async () => {
  const photos = Array.from({ length: 20 }, () => PHOTO);
  const batch = segmentBatch({ photos, options: {}, key: "" });
  const one = segment({ photo: PHOTO, options: {}, key: "" });
  await vi.waitFor(() => expect(asked).toBe(2));
  shutGate();
  await expect(batch).rejects.toEqual(ended);
  await expect(one).rejects.toEqual(ended);
  expect(asked).toBe(2);
});

it("what the gate has ended is done again, and nothing else is", async () => {
  const tries: string[] = [];
  const made = againIfShut(async () => {
    tries.push(tries.length ? "drawn" : "sent");
    if (tries.length === 1) await segment({ photo: PHOTO, options: {}, key: "" });
    return tries.at(-1);
  });
  await vi.waitFor(() => expect(asked).toBe(1));
  shutGate();
  expect(await made).toBe("drawn");
  await expect(againIfShut(() => Promise.reject(new Error("else")))).rejects.toThrow("else");
});
