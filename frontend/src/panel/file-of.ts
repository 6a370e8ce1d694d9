import type { ModelDetail, Output } from "@/api/client";
import { downloadName, stemOf } from "@/api/curl";
import { segment } from "@/api/segment";
import { labelsOfFace } from "@/device/of-face";
import { pictureFile } from "@/pictures/pictures";
import { fullLabels, type Result } from "@/results/result";
import { dyedParts } from "@/state/dyes";
import { optionsOf } from "@/state/request-options";
import { unseen } from "@/state/shown";
import type { StudioState } from "@/state/state";

export interface Shown {
  result: Result;
  model: ModelDetail;
}

export interface NamedFile {
  blob: Blob;
  name: string;
}

/** What draws the API's files here; most visitors never need it. */
export const loadDrawing = () => import("@/device/files");

/**
 * Whether files are drawn here: of what was parsed here or is a part of a photo; while photos are to stay
 * here also of what is neither; and of one face of several, so that going through them sends nothing again.
 */
export function isDrawnHere({ where, face }: StudioState, { task, faces }: Result): boolean {
  return (
    where === "device" || task.where === "device" || task.part !== null || (face !== null && faces.length > 1)
  );
}

/** A file of the result as it is shown: the API's bytes as they come, or drawn here. */
export async function fileOf(
  output: Output,
  state: StudioState,
  { result, model }: Shown,
): Promise<NamedFile> {
  const name = nameOf(state, result, downloadName(result.photo.name, output));
  const options = optionsOf(state, result, model, output);
  if (!isDrawnHere(state, result))
    return { blob: await segment({ photo: result.photo.file, options, key: state.apiKey }), name };
  const { deviceFile } = await loadDrawing();
  const { face, opacity } = state;
  const labels = await labelsFor(state, result);
  const one = result.faces[face ?? 0]!;
  const ofFace = isWhole(state, result) ? result : { ...result, faces: [one], classes: one.classes };
  const drawn = { result: ofFace, labels, model, hidden: unseen(state, model.classes), opacity };
  return { blob: await deviceFile(output, drawn), name: name.replace(/\.jpg$/, ".png") };
}

/** The shown parts of the photo, all else clear. */
export async function cutOutOf(state: StudioState, { result, model }: Shown): Promise<NamedFile> {
  const away = unseen(state, model.classes);
  const ids = model.classes.map(({ id }) => id).filter((id) => id !== 0 && !away.has(id));
  const labels = await labelsFor(state, result);
  const blob = await pictureFile({ photoUrl: result.photo.url, labels, make: { kind: "cutout", ids } });
  return { blob, name: nameOf(state, result, named(result, "cutout.png")) };
}

/** The photo with its new colours. */
export async function recolouredOf(state: StudioState, { result, model }: Shown): Promise<NamedFile> {
  const labels = await labelsFor(state, result);
  const parts = dyedParts(state.dyes, model.classes);
  const make = { kind: "recoloured", parts } as const;
  const blob = await pictureFile({ photoUrl: result.photo.url, labels, make });
  return { blob, name: named(result, "recoloured.png") };
}

function isWhole({ face }: StudioState, { faces }: Result): boolean {
  return face === null || faces.length < 2;
}

async function labelsFor(state: StudioState, result: Result) {
  const labels = await fullLabels(result);
  return isWhole(state, result) ? labels : labelsOfFace(labels, result.faces, state.face!);
}

function named({ photo }: Result, end: string): string {
  return `${stemOf(photo.name)}-${end}`;
}

/** The name says which face it is, if it is of one: its number as on the page. */
function nameOf(state: StudioState, result: Result, name: string): string {
  if (isWhole(state, result)) return name;
  const { length } = stemOf(result.photo.name);
  return `${name.slice(0, length)}-face-${result.faces[state.face!]!.number}${name.slice(length)}`;
}
