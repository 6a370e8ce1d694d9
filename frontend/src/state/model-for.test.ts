import { expect, it } from "vitest";
import type { ModelDetail } from "@/api/client";
import { goodFor, modelFor, modelsFor } from "./model-for";

const served = (...names: string[]) =>
  names.map((name) => ({ name, precision: name.endsWith("-int8") ? "int8" : "fp32" }) as ModelDetail);
const names = (models: readonly ModelDetail[]) => models.map(({ name }) => name);

it("is the one chosen, else the default one", () => {
  const models = served("lite", "lite-int8");
  expect(modelFor(models, { model: "lite-int8", where: "service" })?.name).toBe("lite-int8");
  expect(modelFor(models, { model: null, where: "service" })?.name).toBe("lite");
  expect(modelFor([], { model: null, where: "device" })).toBeNull();
  expect(names(modelsFor(models, "service"))).toEqual(["lite", "lite-int8"]);
});

it("is on the device the one that an int8 copy was made of", () => {
  const models = served("lite-int8", "other", "lite");
  expect(modelFor(models, { model: null, where: "device" })?.name).toBe("lite");
  expect(modelFor(models, { model: "other", where: "device" })?.name).toBe("other");
  expect(names(modelsFor(models, "device"))).toEqual(["other", "lite"]);
});

it("is an int8 copy even on the device where nothing else is served", () => {
  const models = served("lite-int8");
  expect(modelFor(models, { model: null, where: "device" })?.name).toBe("lite-int8");
  expect(names(modelsFor(models, "device"))).toEqual(["lite-int8"]);
});

const rated = (side: number, precision: ModelDetail["precision"], mean_f1: number) => ({
  precision,
  metrics: { mean_f1 },
  input: { width: side, height: side },
});

it("says what each is a better choice for than the others", () => {
  const models = [rated(256, "fp32", 89.88), rated(256, "fp32", 91.2), rated(256, "int8", 91.1)];
  expect(models.map((model) => goodFor(model, models))).toEqual([
    "Also on your device (F1 89.88 %)",
    "Most exact, also on your device (F1 91.20 %)",
    "Fastest, for many photos (F1 91.10 %)",
  ]);
});

it("knows a larger model by its input, whatever its weights are in", () => {
  const models = [rated(256, "int8", 89.87), rated(320, "int8", 90.4), rated(256, "fp32", 89.88)];
  expect(models.map((model) => goodFor(model, models))).toEqual([
    "Fastest, for many photos (F1 89.87 %)",
    "Most exact, in more time (F1 90.40 %)",
    "Also on your device (F1 89.88 %)",
  ]);
});
