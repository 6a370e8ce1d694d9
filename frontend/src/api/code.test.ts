import { expect, it } from "vitest";
import { codeFor } from "./code";

const SENT = {
  url: "https://faces.example/api/segment/",
  photoName: `it's "me".jpg`,
  options: { output: "overlay", alpha: 0.5 } as const,
  withKey: false,
};

it("is curl's command", () =>
  expect(codeFor("curl", SENT)).toMatch(/^curl 'https:\/\/faces\.example\/api\/segment\/\?output=overlay/));

it.each(["Python", "JavaScript"] as const)("sends the same request with %s", (language) => {
  const code = codeFor(language, SENT);
  expect(code).toContain(`"https://faces.example/api/segment/?output=overlay&alpha=0.5"`);
  expect(code).toContain(`"it's \\"me\\".jpg"`);
  expect(code).toContain(`"it's \\"me\\"-overlay.jpg"`);
  expect(code).not.toContain("API_KEY");
});

it.each(["curl", "Python", "JavaScript"] as const)("takes a key from the environment with %s", (language) =>
  expect(codeFor(language, { ...SENT, withKey: true })).toMatch(/Api-Key (\$API_KEY|.*environ|\$\{process)/),
);
