import { Button } from "@heroui/react/button";
import { ToggleButton } from "@heroui/react/toggle-button";
import { useRef, useState } from "react";
import type { Trouble } from "@/api/trouble";
import { Dialog } from "@/lib/Dialog";
import { useStudio } from "@/state/studio-context";
import { LiveParts } from "./LiveParts";
import { useCamera } from "./use-camera";

interface Props {
  onFile: (file: File) => void;
  onTrouble: (trouble: Trouble) => void;
  onClose: () => void;
}

/** The camera's picture, with its parts if a person wants them, and a button to take it. */
export default function CameraDialog({ onFile, onTrouble, onClose }: Props) {
  const { where } = useStudio().state;
  const video = useRef<HTMLVideoElement>(null);
  const [ready, setReady] = useState(false);
  const [isLive, setLive] = useState(where === "device");
  useCamera(video, onTrouble);

  const take = async () => onFile(await photoOf(video.current!));
  const footer = (
    <>
      <Button fullWidth isDisabled={!ready} onPress={() => void take()}>
        Take the photo
      </Button>
      <Button variant="secondary" onPress={onClose}>
        Stop
      </Button>
    </>
  );
  return (
    <Dialog title="Camera" className="flex flex-col gap-3" footer={footer} onClose={onClose}>
      <div className="relative min-h-0">
        <video
          ref={video}
          autoPlay
          muted
          playsInline
          aria-label="What the camera sees"
          className="aspect-4/3 max-h-[55svh] w-full rounded-xl bg-black object-contain"
          onLoadedData={() => setReady(true)}
        />
        {isLive && ready && <LiveParts video={video} onTrouble={onTrouble} />}
      </div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <ToggleButton isSelected={isLive} onChange={setLive}>
          Show the parts live
        </ToggleButton>
        <p className="min-w-0 flex-1 basis-48 text-[13px] text-muted">
          They are found on this device: what is shown live is never sent.
        </p>
      </div>
    </Dialog>
  );
}

async function photoOf(video: HTMLVideoElement): Promise<File> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")!.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob ?? new Blob()], "camera.jpg", { type: "image/jpeg" });
}
