import {
  useCallback,
  useEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
} from "react";
import { FITTED, lookAt, movedBy, zoomAt, type Box, type Point, type Size, type View } from "@/geometry/view";
import type { Photo } from "@/photo/photo";

const KEY_STEP = 40;

/** Zoom and pan of the stage: wheel, drag, pinch, double click and keys. Each photo starts fitted. */
export function useView(ref: RefObject<HTMLElement | null>, stage: Size | null, photoNow: Photo | null) {
  const photo = photoNow?.size ?? null;
  const id = photoNow?.id ?? null;
  const [held, setHeld] = useState({ id, view: FITTED });
  const view = held.id === id ? held.view : FITTED;
  const setView = useCallback(
    (next: (view: View) => View) => setHeld((now) => ({ id, view: next(now.id === id ? now.view : FITTED) })),
    [id],
  );
  const pointers = useRef(new Map<number, Point>());

  const zoom = useCallback(
    (factor: number, at?: Point) => {
      if (!stage || !photo) return;
      const centre = { x: stage.width / 2, y: stage.height / 2 };
      setView((now) => zoomAt(now, factor, at ?? centre, stage, photo));
    },
    [stage, photo, setView],
  );
  const move = useCallback(
    (dx: number, dy: number) => {
      if (stage && photo) setView((now) => movedBy(now, dx, dy, stage, photo));
    },
    [stage, photo, setView],
  );
  const fit = useCallback(() => setView(() => FITTED), [setView]);
  const focusOn = useCallback(
    (box: Box) => {
      if (!stage || !photo) return;
      setView(() => lookAt(box, stage, photo));
      ref.current?.scrollIntoView({ block: "nearest" }); // on a phone it may be off the screen
    },
    [ref, stage, photo, setView],
  );

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), pointIn(element, event));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [ref, zoom]);

  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    pointers.current.set(event.pointerId, pointIn(event.currentTarget, event));
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const before = pointers.current.get(event.pointerId);
    if (!before) return;
    const now = pointIn(event.currentTarget, event);
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    if (other) zoom(distance(now, other) / Math.max(1, distance(before, other)), middle(now, other));
    else move(now.x - before.x, now.y - before.y);
    pointers.current.set(event.pointerId, now);
  };
  const onPointerUp = (event: PointerEvent<HTMLElement>) => {
    pointers.current.delete(event.pointerId);
  };
  const onDoubleClick = (event: React.MouseEvent<HTMLElement>) =>
    zoom(2, pointIn(event.currentTarget, event));
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act({ zoom, move, fit });
  };
  const handlers = {
    onPointerDown,
    onPointerMove,
    onPointerUp,
    onPointerCancel: onPointerUp,
    onDoubleClick,
    onKeyDown,
  };
  return { view, zoom, fit, focusOn, handlers };
}

interface Acts {
  zoom: (factor: number) => void;
  move: (dx: number, dy: number) => void;
  fit: () => void;
}

const KEYS: Record<string, (acts: Acts) => void> = {
  "+": ({ zoom }) => zoom(1.5),
  "=": ({ zoom }) => zoom(1.5),
  "-": ({ zoom }) => zoom(1 / 1.5),
  "0": ({ fit }) => fit(),
  ArrowLeft: ({ move }) => move(KEY_STEP, 0),
  ArrowRight: ({ move }) => move(-KEY_STEP, 0),
  ArrowUp: ({ move }) => move(0, KEY_STEP),
  ArrowDown: ({ move }) => move(0, -KEY_STEP),
};

/** A pointer's place within an element. */
export function pointIn(element: Element, event: { clientX: number; clientY: number }): Point {
  const { left, top } = element.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

function middle(one: Point, other: Point): Point {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}
