import { useEffect, useEffectEvent, type RefObject } from "react";
import { trouble, TroubleError, type Trouble } from "@/api/trouble";

/** The camera's picture in a video element, as long as it is there; then the camera is free again. */
export function useCamera(video: RefObject<HTMLVideoElement | null>, onTrouble: (trouble: Trouble) => void) {
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
