import { emptyLabelMap, type LabelMap } from "@/labels/label-map";
import { bounds, type Cut } from "@/geometry/cut";
import type { Size } from "@/geometry/view";
import { neighbours } from "./sample";

/** What the network says of a cut: values by row, column and class. */
export interface Logits extends Size {
  classes: number;
  values: Float32Array;
}

/**
 * Labels of a photo from the logits of one cut, as the service makes them (ml_core.paste): the best class of
 * the bilinearly interpolated logits; 0 outside the cut. Where all four neighbours agree, none is needed.
 */
export function upsample(logits: Logits, cut: Cut, photo: Size): LabelMap {
  const map = emptyLabelMap(photo);
  const best = bestClasses(logits);
  const { left, top, right, bottom } = bounds(cut, photo);
  const columns = logitPlaces(left, right, cut.x, cut.width, logits.width);
  const rows = logitPlaces(top, bottom, cut.y, cut.height, logits.height);
  for (const row of rows) {
    for (const column of columns) {
      const first = best[row.low * logits.width + column.low]!;
      const same =
        first === best[row.low * logits.width + column.high] &&
        first === best[row.high * logits.width + column.low] &&
        first === best[row.high * logits.width + column.high];
      map.ids[row.place * map.width + column.place] = same ? first : bestBetween(logits, row, column);
    }
  }
  return map;
}

interface Place {
  /** The pixel's row or column. */
  place: number;
  low: number;
  high: number;
  share: number;
}

/** The pixels within [from, to), and where each falls among the logits. */
function logitPlaces(from: number, to: number, start: number, length: number, count: number): Place[] {
  const places: Place[] = [];
  for (let place = from; place < to; place += 1) {
    const position = ((place + 0.5 - start) / length) * count - 0.5;
    if (position < -1 || position > count) continue;
    places.push({ place, ...neighbours(position, count) });
  }
  return places;
}

function bestClasses({ width, height, classes, values }: Logits): Uint8Array {
  const best = new Uint8Array(width * height);
  for (let cell = 0; cell < best.length; cell += 1) {
    let winner = 0;
    for (let id = 1; id < classes; id += 1) {
      if (values[cell * classes + id]! > values[cell * classes + winner]!) winner = id;
    }
    best[cell] = winner;
  }
  return best;
}

function bestBetween({ width, classes, values }: Logits, row: Place, column: Place): number {
  const at = (y: number, x: number) => (y * width + x) * classes;
  const corners = [
    at(row.low, column.low),
    at(row.low, column.high),
    at(row.high, column.low),
    at(row.high, column.high),
  ] as const;
  const across = [1 - column.share, column.share] as const;
  const down = [1 - row.share, row.share] as const;
  let winner = 0;
  let highest = -Infinity;
  for (let id = 0; id < classes; id += 1) {
    const value =
      down[0] * (across[0] * values[corners[0] + id]! + across[1] * values[corners[1] + id]!) +
      down[1] * (across[0] * values[corners[2] + id]! + across[1] * values[corners[3] + id]!);
    if (value > highest) [winner, highest] = [id, value];
  }
  return winner;
}
