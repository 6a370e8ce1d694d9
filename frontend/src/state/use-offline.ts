import { useEffect } from "react";
import { fetchModels } from "@/api/models";
import type { Store } from "./store";

/**
 * Once photos are parsed on this device, the page and what it needs for that stay in the browser, so that
 * both work without a connection (scripts/service-worker.js).
 */
export function useOffline({ now, subscribe }: Store): void {
  useEffect(() => {
    let done = false;
    const register = () => {
      if (done || now().where !== "device" || !("serviceWorker" in navigator)) return;
      done = true;
      // asked for again, through the service worker, which remembers the answers
      const remember = () => void fetchModels(now().apiKey).catch(() => undefined);
      navigator.serviceWorker.addEventListener("controllerchange", remember, { once: true });
      navigator.serviceWorker.register("/service-worker.js").catch(() => undefined); // the page works without
    };
    register();
    return subscribe(register);
  }, [now, subscribe]);
}
