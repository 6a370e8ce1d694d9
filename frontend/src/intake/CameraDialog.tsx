import { Modal } from "@heroui/react/modal";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { trouble, TroubleError, type Trouble } from "@/api/trouble";
import { Button } from "@heroui/react/button";

interface Props {
  onFile: (file: File) => void;
  onTrouble: (trouble: Trouble) => void;
  onClose: () => void;
}

/** The camera's picture, and a button to take it. */
export default function CameraDialog({ onFile, onTrouble, onClose }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  useCamera(video, onTrouble);

  const take = async () => {
    const file = await frameOf(video.current!);
    onFile(file);
  };
  return (
    <Modal.Backdrop isOpen onOpenChange={(open) => !open && onClose()}>
      <Modal.Container size="lg">
        <Modal.Dialog>
          <Modal.CloseTrigger />
          <Modal.Header>
            <Modal.Heading>Take a photo</Modal.Heading>
          </Modal.Header>
          <Modal.Body>
            <video
              ref={video}
              autoPlay
              muted
              playsInline
              aria-label="What the camera sees"
              className="aspect-4/3 w-full rounded-xl bg-black object-contain"
              onLoadedData={() => setReady(true)}
            />
          </Modal.Body>
          <Modal.Footer>
            <Button fullWidth isDisabled={!ready} onPress={() => void take()}>
              Take the photo
            </Button>
          </Modal.Footer>
        </Modal.Dialog>
      </Modal.Container>
    </Modal.Backdrop>
  );
}

function useCamera(video: React.RefObject<HTMLVideoElement | null>, onTrouble: (trouble: Trouble) => void) {
  const tell = useEffectEvent(onTrouble);
  useEffect(() => {
    let stream: MediaStream | null = null;
    let gone = false;
    openCamera().then(
      (opened) => {
        stream = opened;
        if (gone) stop(opened);
        else if (video.current) video.current.srcObject = opened;
      },
      (error: unknown) => gone || tell(cameraTrouble(error)),
    );
    return () => {
      gone = true;
      if (stream) stop(stream);
    };
  }, [video]);
}

async function openCamera(): Promise<MediaStream> {
  if (!(navigator.mediaDevices as MediaDevices | undefined)) throw trouble("camera_insecure");
  return navigator.mediaDevices.getUserMedia({
    video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } },
  });
}

/** By the names of getUserMedia's exceptions. */
const CAMERA_CODES: Record<string, string> = {
  NotAllowedError: "camera_denied",
  SecurityError: "camera_denied",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};

function cameraTrouble(error: unknown): Trouble {
  if (error instanceof TroubleError) return error.trouble;
  return trouble((error instanceof DOMException && CAMERA_CODES[error.name]) || "camera_missing").trouble;
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

async function frameOf(video: HTMLVideoElement): Promise<File> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")!.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob ?? new Blob()], "camera.jpg", { type: "image/jpeg" });
}
