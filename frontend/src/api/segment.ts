import { api, keyHeader, type Answer, type SegmentOptions } from "./client";
import { throughGate } from "./sending";
import { asTrouble, trouble, troubleOf } from "./trouble";
import { uploadFetch, type OnSent } from "./upload-fetch";

interface SegmentCall {
  photo: File;
  options: SegmentOptions;
  key: string;
  signal?: AbortSignal;
  onSent?: OnSent;
}

/** POST /api/segment/: the answer's bytes, untouched. Throws a TroubleError. */
export async function segment({ photo, options, key, signal, onSent }: SegmentCall): Promise<Blob> {
  const sent = { photo, key };
  const form = imageForm(photo);
  try {
    const { data, error, response } = await api.POST("/api/segment/", {
      params: { query: options },
      headers: keyHeader(key),
      body: { image: "" },
      bodySerializer: () => form,
      parseAs: "blob",
      signal: throughGate(signal),
      ...(onSent && { fetch: uploadFetch(onSent, form) }),
    });
    if (!data) throw troubleOf(response, error, sent);
    if (data.type.startsWith("text/")) throw trouble("unexpected_answer"); // a proxy's page, say
    return data;
  } catch (error) {
    throw asTrouble(error, sent);
  }
}

/**
 * What was found, and the picture of the labels as a PNG: run lengths of a large photo would take longer than
 * all else.
 */
export async function segmentToLabels(call: Omit<SegmentCall, "options">, options: SegmentOptions = {}) {
  const bytes = await segment({
    ...call,
    options: { ...options, output: "json", rle: false, inline: "labels" },
  });
  const answer = answerIn(await bytes.text());
  return { answer, labels: pictureIn(answer) };
}

/** Throws a TroubleError where something between here and the service has answered for it. */
function answerIn(text: string): Answer {
  try {
    const answer = JSON.parse(text) as Partial<Answer> | null;
    if (answer?.image && answer.classes) return answer as Answer;
  } catch {
    // no JSON
  }
  throw trouble("unexpected_answer");
}

/** Of a data: URL, which a page with our Content-Security-Policy may not fetch. */
function pictureIn({ inline }: Answer): Uint8Array<ArrayBuffer> {
  const text = inline?.labels?.replace(/^data:[^,]*,/, "");
  if (!text) throw trouble("unexpected_answer");
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function imageForm(photo: File): FormData {
  const form = new FormData();
  form.append("image", photo, photo.name);
  return form;
}
