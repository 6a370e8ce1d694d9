import dynamic from "next/dynamic";
import { useState, type RefObject } from "react";
import type { Trouble } from "@/api/trouble";
import { Button } from "@/controls/Button";
import { CameraIcon, FaceIcon, PhotoIcon } from "@/lib/icons";
import { ACCEPTED } from "./photo";

const CameraDialog = dynamic(() => import("./CameraDialog"), { ssr: false });

interface Props {
  input: RefObject<HTMLInputElement | null>;
  onFile: (file: File) => void;
  onSample: () => void;
  onTrouble: (trouble: Trouble) => void;
}

/** The ways to a photo that are buttons; dropping and pasting work everywhere on the page. */
export function Intake({ input, onFile, onSample, onTrouble }: Props) {
  const [camera, setCamera] = useState(false);
  return (
    <div role="group" aria-label="Get a photo" className="flex flex-wrap gap-1.5 sm:gap-2">
      <Button variant="primary" onClick={() => input.current?.click()}>
        <PhotoIcon />
        <span className="sm:hidden">Choose</span>
        <span className="hidden sm:inline">Choose a photo</span>
      </Button>
      <Button variant="secondary" onClick={() => setCamera(true)}>
        <CameraIcon />
        Camera
      </Button>
      <Button variant="secondary" onClick={onSample}>
        <FaceIcon />
        Sample
      </Button>
      <input
        ref={input}
        type="file"
        accept={ACCEPTED}
        aria-label="Photo file"
        className="hidden"
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) onFile(file);
        }}
      />
      {camera && (
        <CameraDialog
          onClose={() => setCamera(false)}
          onTrouble={(trouble) => {
            setCamera(false);
            onTrouble(trouble);
          }}
          onFile={(file) => {
            setCamera(false);
            onFile(file);
          }}
        />
      )}
    </div>
  );
}
