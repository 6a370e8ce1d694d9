import { useLayoutEffect, useState, type RefObject } from "react";

/** An element's size in CSS pixels, observed while it is `wanted`; null before it is known. */
export function useSize(ref: RefObject<HTMLElement | null>, wanted: boolean) {
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element || !wanted) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref, wanted]);
  return size;
}
