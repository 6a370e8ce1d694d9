import { useEffect, useState } from "react";
import { modelFile } from "@/device/device";
import { modelFor } from "./model-for";
import { useStudio } from "./studio-context";

/** Bytes that parsing on this device has yet to fetch: 0 if all is in this browser; null if unknown. */
export function useBytesToFetch(): number | null {
  const { models, model: name, apiKey, result } = useStudio().state;
  const [bytes, setBytes] = useState<number | null>(null);
  const model = modelFor(models, { model: name, where: "device" });
  const parsedHere = result?.task.where === "device";

  useEffect(() => {
    if (!model) return;
    let gone = false;
    import("@/device/networks")
      .then(({ bytesToFetch }) => bytesToFetch(modelFile(model, apiKey)))
      .then((found) => gone || setBytes(found))
      .catch(() => undefined); // without a connection nobody can tell
    return () => {
      gone = true;
    };
  }, [model, apiKey, parsedHere]);
  return bytes;
}
