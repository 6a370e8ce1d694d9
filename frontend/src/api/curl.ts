import type { Output, SegmentOptions } from "./client";

const SUFFIX: Record<Output, string> = {
  json: "json",
  mask: "png",
  labels: "png",
  overlay: "jpg",
  classes: "zip",
  matte: "png",
  cutout: "png",
  instances: "png",
};

/** A photo's name without its ending. */
export function stemOf(photoName: string): string {
  return photoName.replace(/\.[^.]*$/, "") || "photo";
}

/** The name of a download of `output` for a photo: portrait.jpg -> portrait-mask.png */
export function downloadName(photoName: string, output: Output): string {
  const stem = stemOf(photoName);
  return output === "json" ? `${stem}.json` : `${stem}-${output}.${SUFFIX[output]}`;
}

/** The shell command that sends the same request as this page. */
export function curlCommand(
  url: string,
  photoName: string,
  options: SegmentOptions,
  withKey: boolean,
): string {
  const target = downloadName(photoName, options.output ?? "mask");
  const lines = [
    `curl ${quote(`${url}?${queryOf(options)}`)}`,
    ...(withKey ? [`-H "Authorization: Api-Key $API_KEY"`] : []),
    `-F ${quote(`image=@${formPath(photoName)}`)}`,
    `-o ${quote(target)}`,
  ];
  return lines.join(" \\\n  ");
}

/** alpha=0.6&output=overlay, the comma of lists kept readable. */
export function queryOf(options: SegmentOptions): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) query.set(name, String(value));
  return query.toString().replaceAll("%2C", ",");
}

/** For curl -F, where a quoted path may hold commas and semicolons. */
function formPath(name: string): string {
  return /[,;"\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name;
}

/** For a POSIX shell. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
