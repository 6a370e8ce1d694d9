import { Modal } from "@heroui/react/modal";
import type { ReactNode } from "react";

interface Props {
  title: string;
  size?: "sm" | "lg";
  className?: string;
  footer?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** Over the page, until it is closed; what does not fit scrolls within. */
export function Dialog({ title, size = "lg", className, footer, onClose, children }: Props) {
  return (
    <Modal.Backdrop isOpen onOpenChange={(open) => !open && onClose()}>
      <Modal.Container size={size} scroll="inside">
        <Modal.Dialog>
          <Modal.CloseTrigger />
          <Modal.Header>
            <Modal.Heading>{title}</Modal.Heading>
          </Modal.Header>
          <Modal.Body className={className}>{children}</Modal.Body>
          {footer && <Modal.Footer>{footer}</Modal.Footer>}
        </Modal.Dialog>
      </Modal.Container>
    </Modal.Backdrop>
  );
}
