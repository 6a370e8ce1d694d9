import type { SegmentOptions } from "./client";
import { curlCommand, downloadName, queryOf } from "./curl";

export const LANGUAGES = ["curl", "Python", "JavaScript"] as const;
export type Language = (typeof LANGUAGES)[number];

interface Sent {
  /** Of the API's segment endpoint. */
  url: string;
  photoName: string;
  options: SegmentOptions;
  /** Whether a key has to go with it; it is taken from the environment. */
  withKey: boolean;
}

/** A program that sends the same request as this page and writes the answer to a file. */
export function codeFor(language: Language, sent: Sent): string {
  switch (language) {
    case "curl":
      return curlCommand(sent.url, sent.photoName, sent.options, sent.withKey);
    case "Python":
      return python(sent);
    case "JavaScript":
      return javaScript(sent);
  }
}

function python({ url, photoName, options, withKey }: Sent): string {
  return lines(
    withKey && "import os",
    withKey && "",
    "import requests  # pip install requests",
    "",
    `with open(${pythonText(photoName)}, "rb") as photo:`,
    "    response = requests.post(",
    `        ${pythonText(address(url, options))},`,
    `        files={"image": photo},`,
    withKey && `        headers={"Authorization": f"Api-Key {os.environ['API_KEY']}"},`,
    "        timeout=60,",
    "    )",
    "response.raise_for_status()",
    `with open(${pythonText(target(photoName, options))}, "wb") as file:`,
    "    file.write(response.content)",
  );
}

function javaScript({ url, photoName, options, withKey }: Sent): string {
  const name = JSON.stringify(photoName);
  const headers = "  headers: { Authorization: `Api-Key ${process.env.API_KEY}` },";
  return lines(
    "// Node 20 or newer; save as request.mjs",
    `import { readFile, writeFile } from "node:fs/promises";`,
    "",
    "const body = new FormData();",
    `body.append("image", new Blob([await readFile(${name})]), ${name});`,
    `const response = await fetch(${JSON.stringify(address(url, options))}, {`,
    `  method: "POST",`,
    "  body,",
    withKey && headers,
    "});",
    "if (!response.ok) throw new Error(await response.text());",
    `const answer = Buffer.from(await response.arrayBuffer());`,
    `await writeFile(${JSON.stringify(target(photoName, options))}, answer);`,
  );
}

function address(url: string, options: SegmentOptions): string {
  return `${url}?${queryOf(options)}`;
}

function target(photoName: string, options: SegmentOptions): string {
  return downloadName(photoName, options.output ?? "mask");
}

/** JSON's strings are Python's, but for halves of surrogate pairs, which names of files do not have. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}

function lines(...all: (string | false)[]): string {
  return all.filter((line) => line !== false).join("\n");
}
