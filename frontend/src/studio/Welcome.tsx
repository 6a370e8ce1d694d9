import { Button } from "@heroui/react/button";
import { PhotoIcon } from "@/lib/icons";
import { useStudio } from "@/state/studio-context";
import { PROMISE } from "./Header";

const COLUMN = "flex flex-col items-center justify-center gap-3 sm:gap-4";
const ROOM = `absolute inset-0 p-4 text-center ${COLUMN} sideways:flex-row`;
const PICTURE = [
  "relative aspect-square min-h-0 w-auto max-w-full flex-[0_1_24rem] overflow-hidden rounded-xl",
  "sideways:max-w-[45%]",
].join(" ");
const LAYER = "absolute inset-0 size-full object-cover";

/** On the empty stage: what one will get, and the way there. */
export function Welcome({ onChoose }: { onChoose: () => void }) {
  const { where } = useStudio().state;
  return (
    <div className={ROOM}>
      <BeforeAndAfter />
      <div className={COLUMN}>
        <p className="text-xl font-semibold tracking-tight text-balance">{PROMISE}</p>
        <Button variant="primary" size="lg" className="pointer-coarse:h-12" onPress={onChoose}>
          <PhotoIcon />
          Choose a photo
        </Button>
        <p className="text-[13px] text-balance text-muted">
          <span className="pointer-coarse:hidden">Or drop it here, paste it, take it with the camera. </span>
          <span className="hidden pointer-coarse:inline">Or tap Camera and take one. </span>
          {where === "device" ? "It does not leave this browser." : "It is parsed and not kept."}
        </p>
      </div>
    </div>
  );
}

/** Half as photographed, half in parts; the border between them moves. */
function BeforeAndAfter() {
  return (
    <div aria-hidden data-testid="welcome-picture" className={PICTURE}>
      <img
        src="/welcome/portrait.webp"
        alt=""
        width={640}
        height={640}
        className={LAYER}
        fetchPriority="high"
      />
      <div className="reveal absolute inset-0 overflow-hidden border-l-2 border-white">
        <div className="reveal-back absolute inset-0">
          <img src="/welcome/parts.webp" alt="" width={640} height={640} className={LAYER} />
        </div>
      </div>
    </div>
  );
}
