import { describe, expect, it } from "vitest";
import { curlCommand, downloadName, queryOf } from "./curl";

const URL = "https://faces.example/api/segment/";

describe("curlCommand", () => {
  it("sends the same options and photo", () => {
    expect(curlCommand(URL, "me.jpg", { output: "overlay", alpha: 0.5 }, false)).toBe(
      [
        "curl 'https://faces.example/api/segment/?output=overlay&alpha=0.5' \\",
        "  -F 'image=@me.jpg' \\",
        "  -o 'me-overlay.jpg'",
      ].join("\n"),
    );
  });

  it("takes a key from the environment instead of showing it", () => {
    expect(curlCommand(URL, "me.jpg", { output: "mask" }, true)).toContain(
      '-H "Authorization: Api-Key $API_KEY"',
    );
  });

  it("quotes names for the shell and for curl's own form syntax", () => {
    const command = curlCommand(URL, `it's, me;.jpg`, { output: "json" }, false);
    expect(command).toContain(`-F 'image=@"it'\\''s, me;.jpg"'`);
  });
});

it("keeps the commas of a list", () => {
  expect(queryOf({ output: "json", classes: "hair,skin" })).toBe("output=json&classes=hair,skin");
});

it("names downloads after the photo", () => {
  expect(downloadName("a.b.jpeg", "mask")).toBe("a.b-mask.png");
  expect(downloadName("a.png", "json")).toBe("a.json");
  expect(downloadName(".jpg", "classes")).toBe("photo-classes.zip");
});
