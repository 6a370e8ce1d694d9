import { useLayoutEffect } from "react";
import { openGate, shutGate } from "@/api/sending";
import type { Store } from "./store";

/** While photos are to stay on this device nothing of them is sent, whoever asks for it. */
export function useSendingGate({ now, subscribe }: Store): void {
  useLayoutEffect(
    () => subscribe(() => (now().where === "device" ? shutGate() : openGate())),
    [now, subscribe],
  );
}
