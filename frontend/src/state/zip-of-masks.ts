import { segmentBatch } from "@/api/batch";
import { deviceFile } from "@/device/files";
import { zip, type ZipMember } from "@/files/zip";
import { fullLabels, type Result } from "@/results/result";
import { modelFor } from "./model-for";
import { serviceOptions } from "./request-options";
import type { Store } from "./store";

/** The masks of all that was parsed, named after their photos: the service's, or drawn here. */
export async function zipOfMasks({ now }: Pick<Store, "now">): Promise<Blob> {
  const { batch, where, apiKey: key, models } = now();
  const results = batch.flatMap(({ result }) => result ?? []);
  const drawn = results.filter(({ task }) => where === "device" || task.where === "device");
  const masks = new Map<Result, Uint8Array<ArrayBuffer> | null>();
  for (const result of drawn) {
    const model = modelFor(models, result.task);
    if (!model) continue;
    const shown = { hidden: new Set<number>(), opacity: 1 };
    const blob = await deviceFile("mask", { result, labels: await fullLabels(result), model, ...shown });
    masks.set(result, new Uint8Array(await blob.arrayBuffer()));
  }
  const asked = results.filter((result) => !masks.has(result));
  const names = new Set(asked.map(({ task }) => task.model));
  for (const model of names) {
    const some = asked.filter(({ task }) => task.model === model);
    const options = { ...serviceOptions({ faces: "auto", model }), output: "mask" } as const;
    const photos = some.map(({ photo }) => photo.file);
    const answers = await segmentBatch({ photos, options, key });
    some.forEach((result, index) => masks.set(result, answers[index] ?? null));
  }
  return zip(
    results.flatMap((result, index): ZipMember | [] => {
      const bytes = masks.get(result);
      const stem = result.photo.name.replace(/\.[^.]*$/, "");
      return bytes ? { name: `${String(index + 1).padStart(2, "0")}-${stem}-mask.png`, bytes } : [];
    }),
  );
}
