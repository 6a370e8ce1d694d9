interface Props {
  /** What is being done. */
  label: string;
  /** From 0 to 1; null where nobody knows. */
  share: number | null;
}

/** In HeroUI's look. */
export function ProgressBar({ label, share }: Props) {
  const percent = share === null ? undefined : Math.round(100 * share);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className="progress-bar progress-bar--sm min-w-0 flex-1"
    >
      <span className="text-sm">{label} …</span>
      <div className="progress-bar__track">
        <div className="progress-bar__fill" style={{ width: percent === undefined ? undefined : `${percent}%` }} />
      </div>
    </div>
  );
}
