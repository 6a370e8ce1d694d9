import type { ModelDetail } from "@/api/client";
import type { Task } from "./result";

/** The name of a model's int8 copy ends so (training/quantize.py). */
const INT8 = /-int8$/;

/**
 * The model that a task is for, of the service's, the default one first. int8 rounds differently in every runtime, so
 * that a browser would not find the service's labels: on the device the model it was made of parses in its place, where
 * that one is served too.
 */
export function modelFor(models: readonly ModelDetail[], { model: name, where }: Pick<Task, "model" | "where">): ModelDetail | null {
  const model = models.find((each) => each.name === name) ?? models[0] ?? null;
  return (where === "device" && model && originOf(models, model)) || model;
}

/** Those that can be chosen there. */
export function modelsFor(models: readonly ModelDetail[], where: Task["where"]): readonly ModelDetail[] {
  return where === "device" ? models.filter((model) => !originOf(models, model)) : models;
}

function originOf(models: readonly ModelDetail[], { name }: ModelDetail): ModelDetail | undefined {
  return INT8.test(name) ? models.find((each) => each.name === name.replace(INT8, "")) : undefined;
}
