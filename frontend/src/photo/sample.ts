import { asTrouble, trouble } from "@/api/trouble";

const NAME = "astronaut.jpg";

/** The photo that comes with the page. Throws a TroubleError. */
export async function fetchSample(signal: AbortSignal): Promise<File> {
  try {
    const response = await fetch(`/samples/${NAME}`, { signal });
    if (!response.ok) throw trouble("no_sample");
    return new File([await response.blob()], NAME, { type: "image/jpeg" });
  } catch (error) {
    throw asTrouble(error);
  }
}
