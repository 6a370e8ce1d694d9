import { Dialog } from "@/lib/Dialog";

const KEYS = [
  ["Space, held", "The photo as it was"],
  ["O", "Choose a photo"],
  ["B", "Draw a box"],
  ["N, P", "Next and previous of several photos"],
  ["+, -, 0", "On the photo: zoom in, out, fit"],
  ["Arrow keys", "On the photo or a box: move it"],
  ["?", "This list"],
] as const;

export default function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" size="sm" onClose={onClose}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-2 text-sm">
        {KEYS.map(([keys, what]) => (
          <div key={keys} className="contents">
            <dt className="font-medium">{keys}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
