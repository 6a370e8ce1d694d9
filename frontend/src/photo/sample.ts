import { asTrouble, trouble } from "@/api/trouble";

/** What comes with the page: NASA's public-domain portrait, and what scripts/page-samples.py makes of it. */
export const SAMPLES = [
  { file: "astronaut.jpg", thumbnail: "astronaut-small.jpg", words: "a portrait" },
  { file: "group.jpg", thumbnail: "group-small.jpg", words: "a group of six" },
  { file: "tilted.jpg", thumbnail: "tilted-small.jpg", words: "a tilted head" },
  { file: "grey.jpg", thumbnail: "grey-small.jpg", words: "in black and white" },
] as const;

/** Throws a TroubleError. */
export async function fetchSample(
  signal: AbortSignal,
  name: (typeof SAMPLES)[number]["file"] = "astronaut.jpg",
): Promise<File> {
  try {
    const response = await fetch(`/samples/${name}`, { signal });
    if (!response.ok) throw trouble("no_sample");
    return new File([await response.blob()], name, { type: "image/jpeg" });
  } catch (error) {
    throw asTrouble(error);
  }
}
