import { isAbort } from "./trouble";

/** The one gate that photos leave the page by; shut while they are to stay on this device. */
let gate = new AbortController();

/** Ends what is being sent, and lets nothing begin. */
export function shutGate(): void {
  gate.abort();
}

export function openGate(): void {
  if (gate.signal.aborted) gate = new AbortController();
}

/** For a request that carries a photo: aborted with `signal`, or by the gate. */
export function throughGate(signal?: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([gate.signal, signal]) : gate.signal;
}

/** Does it again where the gate has ended it, which then is without sending. */
export async function againIfShut<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    const { signal } = gate;
    try {
      return await work();
    } catch (error) {
      if (!signal.aborted || !isAbort(error)) throw error;
    }
  }
}
