import { Button } from "@heroui/react/button";
import { useState, type RefObject } from "react";
import { CameraIcon, FaceIcon, PhotoIcon } from "@/lib/icons";
import { laterDialog } from "@/lib/later";
import { ACCEPTED } from "@/photo/photo";
import { fetchSample } from "@/photo/sample";
import { useStudio } from "@/state/studio-context";

const CameraDialog = laterDialog(() => import("./CameraDialog"));

interface Props {
  /** Other parts of the page open the file chooser through it. */
  input: RefObject<HTMLInputElement | null>;
}

/** The ways to a photo that are buttons; dropping and pasting work everywhere on the page. */
export function Intake({ input }: Props) {
  const { state, act } = useStudio();
  const [camera, setCamera] = useState(false);
  return (
    <div role="group" aria-label="Get a photo" className="flex flex-wrap gap-1.5 sm:gap-2">
      {state.photo && (
        <Button variant="primary" onPress={() => input.current?.click()}>
          <PhotoIcon />
          <span className="sm:hidden">Choose</span>
          <span className="hidden sm:inline">Choose a photo</span>
        </Button>
      )}
      <Button variant="secondary" onPress={() => setCamera(true)}>
        <CameraIcon />
        Camera
      </Button>
      <Button variant="secondary" onPress={() => act.open((signal) => fetchSample(signal))}>
        <FaceIcon />
        Sample
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        accept={ACCEPTED}
        aria-label="Photo file"
        className="hidden"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = "";
          if (files.length > 0) act.openAll(files);
        }}
      />
      {camera && (
        <CameraDialog
          onClose={() => setCamera(false)}
          onTrouble={(trouble) => {
            setCamera(false);
            act.fail(trouble, () => setCamera(true));
          }}
          onFile={(file) => {
            setCamera(false);
            act.open(file);
          }}
        />
      )}
    </div>
  );
}
