import { expect, it, vi } from "vitest";
import { api } from "./client";
import { segment } from "./segment";

const CALL = { photo: new File(["\xff\xd8\xff"], "a.jpg", { type: "image/jpeg" }), options: {}, key: "" };

it("takes a picture, and no page that something in between answers with", async () => {
  const post = vi.spyOn(api, "POST");
  const answered = (data: Blob) => ({ data, response: new Response() }) as never;
  const picture = new Blob(["png"], { type: "image/png" });
  post.mockResolvedValueOnce(answered(picture));
  expect(await segment(CALL)).toBe(picture);
  post.mockResolvedValueOnce(answered(new Blob(["<p>log in</p>"], { type: "text/html" })));
  const told: unknown = expect.objectContaining({ code: "unexpected_answer" });
  await expect(segment(CALL)).rejects.toMatchObject({ trouble: told });
});
