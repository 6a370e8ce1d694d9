import type { ReactNode } from "react";

interface Props {
  on: boolean;
  onChange: (on: boolean) => void;
  children: ReactNode;
}

/** A button that is on or off, in HeroUI's look. */
export function Switch({ on, onChange, children }: Props) {
  return (
    <button type="button" role="switch" aria-checked={on} className="switch outline-none" onClick={() => onChange(!on)}>
      <span className="switch__content">
        <span className="switch__control ring-1 ring-foreground/20">
          <span className="switch__thumb" />
        </span>
        {children}
      </span>
    </button>
  );
}
