import type { LabelMap } from "@/labels/label-map";
import type { Logits } from "./upsample";

/**
 * By class id: the mean softmax(logits / its temperature) of a class where it wins, as the service has it
 * (ml_core.segmentation); for one that wins only between logits the highest it reaches; null for what is not
 * in `labels`.
 */
export function confidenceOf(
  looks: readonly Logits[],
  labels: LabelMap,
  temperatures: readonly number[],
): (number | null)[] {
  const classes = temperatures.length;
  const total = new Float64Array(classes);
  const count = new Float64Array(classes);
  const highest = new Float64Array(classes);
  const odds = new Float64Array(classes);
  for (const { values } of looks) {
    for (let cell = 0; cell < values.length; cell += classes) {
      let winner = 0;
      for (let id = 1; id < classes; id += 1) if (values[cell + id]! > values[cell + winner]!) winner = id;
      let sum = 0;
      for (let id = 0; id < classes; id += 1) {
        odds[id] = Math.exp((values[cell + id]! - values[cell + winner]!) / temperatures[winner]!);
        sum += odds[id]!;
      }
      for (let id = 0; id < classes; id += 1) highest[id] = Math.max(highest[id]!, odds[id]! / sum);
      total[winner]! += 1 / sum;
      count[winner]! += 1;
    }
  }
  const present = new Uint8Array(256);
  for (const id of labels.ids) present[id] = 1;
  return Array.from({ length: classes }, (_, id) => {
    if (!present[id] || looks.length === 0) return null;
    return count[id]! > 0 ? total[id]! / count[id]! : highest[id]!;
  });
}
