import type { ModelDetail, Output } from "@/api/client";
import { classPng, idsPng } from "@/files/png";
import { zip, type ZipMember } from "@/files/zip";
import type { LabelMap } from "@/labels/label-map";
import { overlayPng } from "@/labels/picture";
import { regionsOf } from "@/labels/regions";
import type { FoundClass, Result } from "@/results/result";
import { labelsOfFaces } from "./of-face";

export interface Drawn {
  result: Omit<Result, "classes"> & { classes: readonly Pick<FoundClass, "id" | "confidence">[] };
  labels: LabelMap;
  model: ModelDetail;
  hidden: ReadonlySet<number>;
  opacity: number;
}

/** A download of what was parsed on this device, of the same form as the service's; the overlay is a PNG. */
export async function deviceFile(output: Output, drawn: Drawn): Promise<Blob> {
  const { result, labels, model, hidden, opacity } = drawn;
  const shown = withoutHidden(labels, hidden);
  switch (output) {
    case "mask":
      return idsPng(shown, paletteOf(model));
    case "overlay":
      return overlayPng(result.photo.url, shown, { classes: model.classes, hidden }, opacity);
    case "classes":
      return classesZip(shown, rowsOf(shown, drawn));
    case "json":
      return new Blob([JSON.stringify(answerOf(shown, drawn))], { type: "application/json" });
    default:
      throw new Error(`no ${output} on this device`);
  }
}

/** The hidden classes become background, as with the API's `classes`. */
function withoutHidden(labels: LabelMap, hidden: ReadonlySet<number>): LabelMap {
  return hidden.size ? { ...labels, ids: labels.ids.map((id) => (hidden.has(id) ? 0 : id)) } : labels;
}

function paletteOf({ classes }: ModelDetail): Uint8Array {
  const palette = new Uint8Array(3 * (1 + Math.max(...classes.map(({ id }) => id))));
  for (const { id, color } of classes) palette.set(color, 3 * id);
  return palette;
}

function rowsOf(shown: LabelMap, { result, model: { classes }, hidden }: Drawn) {
  return regionsOf(shown).map(({ id, pixels, box, rle }) => ({
    id,
    name: classes.find((row) => row.id === id)!.name,
    color: classes.find((row) => row.id === id)!.color,
    pixels,
    share: pixels / shown.ids.length,
    box,
    // nobody is sure of a background that hidden classes have become part of
    confidence: id === 0 && hidden.size > 0 ? null : sureOf(result, id),
    rle,
  }));
}

/** Faces with the classes of each, whose shares are of all that the face has. */
function facesOf({ result, labels, model: { classes }, hidden }: Drawn) {
  const owned = labelsOfFaces(labels, result.faces);
  return result.faces.map((face, index) => {
    const own = owned[index]!;
    const all = own.ids.reduce((sum, id) => sum + Math.sign(id), 0);
    const regions = regionsOf(withoutHidden(own, hidden)).filter(({ id }) => id > 0);
    return {
      ...face,
      classes: regions.map(({ id, pixels, box }) => ({
        id,
        name: classes.find((row) => row.id === id)!.name,
        pixels,
        share: pixels / all,
        box,
        confidence: sureOf(face, id),
      })),
    };
  });
}

function sureOf({ classes }: Pick<Drawn["result"], "classes">, id: number): number | null {
  return classes.find((row) => row.id === id)?.confidence ?? null;
}

function answerOf(shown: LabelMap, drawn: Drawn) {
  const { result, model } = drawn;
  const { name, version, sha256 } = model;
  return {
    image: shown.image,
    model: { name, version, sha256 },
    faces: facesOf(drawn),
    classes: rowsOf(shown, drawn),
    timing_ms: { decode: 0, locate: 0, infer: Math.round(100 * result.ms) / 100 },
    warnings: result.warnings,
  };
}

async function classesZip(labels: LabelMap, rows: ReturnType<typeof rowsOf>): Promise<Blob> {
  const members: ZipMember[] = [];
  const table = [];
  for (const { rle, ...row } of rows) {
    const part = row.name.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 40);
    const file = `${String(row.id).padStart(2, "0")}-${part}.png`;
    const png = await classPng(labels, row.id);
    members.push({ name: file, bytes: new Uint8Array(await png.arrayBuffer()) });
    table.push({ ...row, file });
  }
  members.push({ name: "classes.json", bytes: new TextEncoder().encode(JSON.stringify(table, null, 2)) });
  return zip(members);
}
