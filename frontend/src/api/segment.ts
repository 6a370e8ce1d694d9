import { api, keyHeader, type Answer, type SegmentOptions } from "./client";
import { asTrouble, trouble, troubleOf } from "./trouble";
import { uploadFetch, type OnSent } from "./upload-fetch";

export interface SegmentCall {
  photo: File;
  options: SegmentOptions;
  key: string;
  signal?: AbortSignal;
  onSent?: OnSent;
}

/** POST /api/segment/: the answer's bytes, untouched. Throws a TroubleError. */
export async function segment({ photo, options, key, signal, onSent }: SegmentCall): Promise<Blob> {
  const sent = { photo, key };
  try {
    const { data, error, response } = await api.POST("/api/segment/", {
      params: { query: options },
      headers: keyHeader(key),
      body: { image: "" },
      bodySerializer: () => imageForm(photo),
      parseAs: "blob",
      signal,
      ...(onSent && { fetch: uploadFetch(onSent) }),
    });
    if (!data) throw troubleOf(response, error, sent);
    return data;
  } catch (error) {
    throw asTrouble(error, sent);
  }
}

/** The answer of output=json, and its bytes. */
export async function segmentToJson(call: Omit<SegmentCall, "options">, options: SegmentOptions = {}) {
  const bytes = await segment({ ...call, options: { ...options, output: "json" } });
  return { bytes, answer: answerIn(await bytes.text()) };
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

function imageForm(photo: File): FormData {
  const form = new FormData();
  form.append("image", photo, photo.name);
  return form;
}
