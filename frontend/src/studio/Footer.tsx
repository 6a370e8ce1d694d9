import { Button } from "@heroui/react/button";
import { Link } from "@heroui/react/link";
import { useState } from "react";
import { API_BASE_URL } from "@/api/client";
import { laterDialog } from "@/lib/later";
import { SOURCE_URL } from "@/lib/source-url";
import { useStudio } from "@/state/studio-context";

const AboutDialog = laterDialog(() => import("./AboutDialog"));

const ENTRY = "text-[13px] text-muted no-underline hover:underline pointer-coarse:py-3";

/** Where more can be read, and what the weights may be used for. */
export function Footer() {
  const { model } = useStudio();
  const [about, setAbout] = useState(false);
  return (
    <footer
      id="footer"
      className="flex flex-wrap items-center gap-x-5 gap-y-1 text-[13px] text-muted print:hidden"
    >
      <Link className={ENTRY} href={`${API_BASE_URL}/api/docs/`}>
        API docs
      </Link>
      <TextButton onPress={() => setAbout(true)}>Model card, limits, privacy</TextButton>
      {SOURCE_URL ? (
        <Link className={ENTRY} href={SOURCE_URL}>
          Source
        </Link>
      ) : (
        <TextButton onPress={() => setAbout(true)}>Source</TextButton>
      )}
      <span>Version {process.env.NEXT_PUBLIC_VERSION}</span>
      {about && <AboutDialog model={model} onClose={() => setAbout(false)} />}
    </footer>
  );
}

function TextButton({ onPress, children }: { onPress: () => void; children: string }) {
  return (
    <Button
      variant="ghost"
      size="sm"
      className={`${ENTRY} h-auto min-h-0 rounded p-0 font-normal hover:bg-transparent md:h-auto`}
      onPress={onPress}
    >
      {children}
    </Button>
  );
}
