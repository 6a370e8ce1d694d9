import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className="size-4.5 shrink-0"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      {children}
    </svg>
  );
}

export const PlusIcon = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);
export const MinusIcon = () => (
  <Icon>
    <path d="M5 12h14" />
  </Icon>
);
export const FitIcon = () => (
  <Icon>
    <path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" />
  </Icon>
);
export const PhotoIcon = () => (
  <Icon>
    <rect x="3" y="5" width="18" height="14" rx="2.5" />
    <circle cx="9" cy="10.5" r="1.6" />
    <path d="M4 17l5-4 3.5 2.5L16 12l4.5 4" />
  </Icon>
);
export const CameraIcon = () => (
  <Icon>
    <path d="M4 8h3l2-2.5h6L17 8h3a1.5 1.5 0 011.5 1.5v8" />
    <path d="M21.5 17.5A1.5 1.5 0 0120 19H4a1.5 1.5 0 01-1.5-1.5v-8A1.5 1.5 0 014 8" />
    <circle cx="12" cy="13" r="3.4" />
  </Icon>
);
export const FaceIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="9" />
    <path d="M9 10v.01M15 10v.01M8.5 14.5a4.6 4.6 0 007 0" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21" />
    <path d="M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M20 14.2A8.2 8.2 0 019.8 4a8.2 8.2 0 1010.2 10.2z" />
  </Icon>
);
export const DownloadIcon = () => (
  <Icon>
    <path d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14" />
  </Icon>
);
export const ScissorsIcon = () => (
  <Icon>
    <circle cx="6.5" cy="7" r="2.5" />
    <circle cx="6.5" cy="17" r="2.5" />
    <path d="M8.7 8.3L20 16M8.7 15.7L20 8" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="9" y="9" width="11" height="11" rx="2" />
    <path d="M15 9V6a2 2 0 00-2-2H6a2 2 0 00-2 2v7a2 2 0 002 2h3" />
  </Icon>
);
export const AlertIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 7.5v5.5M12 16.2v.01" />
  </Icon>
);
export const FillIcon = () => (
  <Icon>
    <path d="M12 3.5c3.5 4.3 5.5 7.2 5.5 10a5.5 5.5 0 01-11 0c0-2.8 2-5.7 5.5-10z" />
    <path d="M6.8 14.5h10.4a5.3 5.3 0 01-10.4 0z" fill="currentColor" stroke="none" />
  </Icon>
);
export const OutlineIcon = () => (
  <Icon>
    <path d="M12 4c4.5 0 7.5 3 7 7.5-.5 4.6-3 8.5-7 8.500s-6.5-3.9-7-8.500C4.5 7 7.5 4 12 4z" />
    <path d="M9 11v.01M15 11v.01M9.5 15.200c1.6 1 3.4 1 5 0" />
  </Icon>
);
export const BoxIcon = () => (
  <Icon>
    <rect x="4.5" y="4.5" width="15" height="15" rx="1.5" />
    <path d="M10.5 9l1.8-1v8" />
  </Icon>
);

/** The page's own mark: a face in parts. */
export const LogoIcon = () => (
  <svg viewBox="0 0 32 32" className="size-7 shrink-0 own-color" aria-hidden>
    <rect width="32" height="32" rx="8" fill="#8057fc" />
    <path d="M5 15a11 11 0 0122 0c-4 1-7-1-9-4-2 3-8 5-13 4z" fill="#2a1a66" />
    <path
      d="M7.5 15.500c4 .2 8.5-1.5 10.5-4 1.5 2 4 3.5 6.5 3.800C24 22 20 27 16 27s-8-5-8.5-11.500z"
      fill="#fde4b8"
    />
    <circle cx="12.5" cy="18" r="1.7" fill="#00acff" />
    <circle cx="19.5" cy="18" r="1.7" fill="#00acff" />
    <path d="M12.5 22.500q3.5 2.6 7 0" stroke="#f0466b" strokeWidth="2" fill="none" strokeLinecap="round" />
  </svg>
);
