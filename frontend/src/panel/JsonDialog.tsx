import { Modal } from "@heroui/react/modal";
import { useEffect, useEffectEvent, useState } from "react";

interface Props {
  /** Reads the JSON, as it is downloaded. */
  read: () => Promise<Blob>;
  onFailed: (error: unknown) => void;
  onClose: () => void;
}

/** Longer texts, which are run lengths, are shown by their beginnings. */
const MOST_SHOWN = 60;

/** The answer itself, to be read. */
export default function JsonDialog({ read, onFailed, onClose }: Props) {
  const [text, setText] = useState<string | null>(null);
  const start = useEffectEvent(() =>
    read().then(
      async (blob) => setText(readable(await blob.text())),
      (error: unknown) => onFailed(error),
    ),
  );
  useEffect(() => void start(), []);
  return (
    <Modal.Backdrop isOpen onOpenChange={(open) => !open && onClose()}>
      <Modal.Container size="lg" scroll="inside">
        <Modal.Dialog>
          <Modal.CloseTrigger />
          <Modal.Header>
            <Modal.Heading>The JSON</Modal.Heading>
          </Modal.Header>
          <Modal.Body>
            <pre
              data-testid="json"
              tabIndex={0}
              className="text-[13px] leading-relaxed break-all whitespace-pre-wrap"
            >
              {text ?? "Reading …"}
            </pre>
          </Modal.Body>
        </Modal.Dialog>
      </Modal.Container>
    </Modal.Backdrop>
  );
}

export function readable(json: string): string {
  const shortened = (_: string, value: unknown) =>
    typeof value === "string" && value.length > MOST_SHOWN
      ? `${value.slice(0, MOST_SHOWN)}… (${value.length} characters)`
      : value;
  return JSON.stringify(JSON.parse(json), shortened, 2);
}
