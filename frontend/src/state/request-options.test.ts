import { expect, it } from "vitest";
import { requestOptions } from "./request-options";

const CLASSES = [
  { id: 0, name: "background", color: [0, 0, 0], mirror: 0 },
  { id: 1, name: "skin", color: [0, 153, 255], mirror: 1 },
  { id: 2, name: "hair", color: [255, 0, 102], mirror: 2 },
];
const options = (more = {}) =>
  requestOptions({
    output: "mask",
    faces: "auto",
    model: null,
    classes: CLASSES,
    hidden: new Set(),
    alpha: 0.6,
    ...more,
  });

it("leaves out what is the API's default", () => expect(options()).toEqual({ output: "mask" }));
it("asks for the parts that are switched on", () =>
  expect(options({ hidden: new Set([1]) })).toEqual({ output: "mask", classes: "hair" }));
it("asks for the background alone when all are off", () =>
  expect(options({ hidden: new Set([1, 2]) })).toEqual({ output: "mask", classes: "0" }));
it("asks for the opacity of the page in overlays", () =>
  expect(options({ output: "overlay", alpha: 0.25 })).toEqual({ output: "overlay", alpha: 0.25 }));
it("asks for the whole picture", () =>
  expect(options({ faces: "whole" })).toEqual({ output: "mask", faces: "whole" }));
it("asks for the one face that is shown", () =>
  expect(options({ face: 2 })).toEqual({ output: "mask", face: 2 }));
it("names a model that is not the default one", () =>
  expect(options({ model: "int8" })).toEqual({ output: "mask", model: "int8" }));
