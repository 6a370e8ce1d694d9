import { Button } from "@heroui/react/button";
import { Link } from "@heroui/react/link";
import dynamic from "next/dynamic";
import { useState } from "react";
import { API_BASE_URL } from "@/api/client";
import { useStudio } from "@/state/studio-context";

const AboutDialog = dynamic(() => import("./AboutDialog"), { ssr: false });

const ENTRY = "text-[13px] text-muted no-underline hover:underline pointer-coarse:py-2.5";

/** Where more can be read, and what the weights may be used for. */
export function Footer() {
  const { model } = useStudio();
  const [about, setAbout] = useState(false);
  return (
    <footer className="flex flex-wrap items-center gap-x-5 gap-y-1 text-[13px] text-muted print:hidden">
      <Link className={ENTRY} href={`${API_BASE_URL}/api/docs/`}>
        API
      </Link>
      <Button
        variant="ghost"
        size="sm"
        className={`${ENTRY} h-auto min-h-0 rounded p-0 font-normal hover:bg-transparent md:h-auto`}
        onPress={() => setAbout(true)}
      >
        Model card, limits, privacy
      </Button>
      {process.env.NEXT_PUBLIC_SOURCE_URL && (
        <Link className={ENTRY} href={process.env.NEXT_PUBLIC_SOURCE_URL}>
          Source
        </Link>
      )}
      <span>Version {process.env.NEXT_PUBLIC_VERSION}</span>
      {about && <AboutDialog model={model} onClose={() => setAbout(false)} />}
    </footer>
  );
}
