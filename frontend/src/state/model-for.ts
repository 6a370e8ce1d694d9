import type { ModelDetail } from "@/api/client";
import type { Task } from "@/results/result";

/**
 * The model for a task; `models` has the service's default one first. int8 rounds differently in every
 * runtime, so that a browser would not find the service's labels: on the device the model that the int8 copy
 * was made of takes its place, if the service has it.
 */
export function modelFor(
  models: readonly ModelDetail[],
  { model: name, where }: Pick<Task, "model" | "where">,
): ModelDetail | null {
  const model = models.find((each) => each.name === name) ?? models[0] ?? null;
  return (where === "device" && model && originOf(models, model)) || model;
}

/** Those that can be chosen there. */
export function modelsFor(models: readonly ModelDetail[], where: Task["where"]): readonly ModelDetail[] {
  return where === "device" ? models.filter((model) => !originOf(models, model)) : models;
}

type Rated = Pick<ModelDetail, "precision" | "metrics" | "input">;

/** In a few words, what a model is a better choice for than the others. */
export function goodFor(model: Rated, models: readonly Rated[]): string {
  const f1 = f1Of(model);
  const words = wordsFor(model, models);
  return f1 === null ? words : `${words} (F1 ${f1.toFixed(2)} %)`;
}

function wordsFor(model: Rated, models: readonly Rated[]): string {
  const least = Math.min(...models.map(pixelsOf));
  if (model.precision === "int8" && pixelsOf(model) === least) return "Fastest, for many photos";
  const others = models.filter((each) => each.precision !== "int8" || pixelsOf(each) > least);
  const best = Math.max(...others.map((each) => f1Of(each) ?? 0));
  if ((f1Of(model) ?? 0) < best) return "Also on your device";
  return pixelsOf(model) > least ? "Most exact, in more time" : "Most exact, also on your device";
}

function pixelsOf({ input }: Rated): number {
  return input.width * input.height;
}

function f1Of({ metrics }: Rated): number | null {
  return typeof metrics.mean_f1 === "number" ? metrics.mean_f1 : null;
}

/** The served model that an int8 copy was made of (training/quantize.py names the copies). */
function originOf(models: readonly ModelDetail[], { name, precision }: ModelDetail): ModelDetail | undefined {
  if (precision !== "int8") return undefined;
  return models.find((each) => each.precision !== "int8" && `${each.name}-int8` === name);
}
