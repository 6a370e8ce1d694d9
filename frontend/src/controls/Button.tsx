import type { ComponentPropsWithRef } from "react";

interface Props extends ComponentPropsWithRef<"button"> {
  variant?: "primary" | "secondary" | "tertiary";
  size?: "sm" | "md";
  isIconOnly?: boolean;
  fullWidth?: boolean;
}

/**
 * The browser's own button in HeroUI's look. HeroUI's component brings an own account of every touch, hover and focus
 * along, and the page would have to set that up for each button before it is usable.
 */
export function Button({ variant = "primary", size = "md", isIconOnly = false, fullWidth = false, className = "", ...rest }: Props) {
  const look = [
    `button button--${size} button--${variant}`,
    isIconOnly && "button--icon-only",
    fullWidth && "button--full-width",
    className,
  ];
  return <button type="button" {...rest} className={look.filter(Boolean).join(" ")} />;
}
