import { afterEach, expect, it } from "vitest";
import { remember, remembered } from "./remembered";

afterEach(() => localStorage.clear());

it("gives back what was chosen, and nothing that was not", () => {
  expect(remembered()).toBeNull();
  remember({ where: "device" });
  remember({ tints: { hair: "#00acff" } });
  expect(remembered()).toEqual({ where: "device", tints: { hair: "#00acff" } });
});

it.each(["no JSON", "null", '{"hair": "url(evil)", "skin": 7}'])("takes nothing from %s", (text) => {
  localStorage.setItem("tints", text);
  localStorage.setItem("where", text);
  expect(remembered()).toEqual({ where: "service", tints: {} });
});
