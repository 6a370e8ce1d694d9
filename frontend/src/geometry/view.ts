/** How a picture lies on the stage: enlarged `zoom` times from its fitted size, then moved by x, y pixels. */
export interface View {
  zoom: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point, Size {}

export const FITTED: View = { zoom: 1, x: 0, y: 0 };
export const MOST_ZOOM = 16;

/** Stage pixels a photo pixel takes when the photo just fits. */
export function fitScale(stage: Size, photo: Size): number {
  return Math.min(stage.width / photo.width, stage.height / photo.height);
}

/** The zoom at which one pixel of the photo takes one of the screen. */
export function oneToOne(stage: Size, photo: Size, density = globalThis.devicePixelRatio): number {
  return 1 / (fitScale(stage, photo) * density);
}

/** Where the photo lies on the stage. */
export function photoBox(view: View, stage: Size, photo: Size): Box {
  const scale = fitScale(stage, photo) * view.zoom;
  const width = photo.width * scale;
  const height = photo.height * scale;
  return { x: (stage.width - width) / 2 + view.x, y: (stage.height - height) / 2 + view.y, width, height };
}

/** A point of the stage in the photo's pixels. */
export function toPhoto(point: Point, view: View, stage: Size, photo: Size): Point {
  const box = photoBox(view, stage, photo);
  return {
    x: ((point.x - box.x) / box.width) * photo.width,
    y: ((point.y - box.y) / box.height) * photo.height,
  };
}

/** Zoomed by a factor, the point of the stage staying where it is. */
export function zoomAt(view: View, factor: number, at: Point, stage: Size, photo: Size): View {
  const least = Math.min(1, oneToOne(stage, photo));
  const zoom = Math.min(MOST_ZOOM, Math.max(least, view.zoom * factor));
  const ratio = zoom / view.zoom;
  const fromCentre = { x: at.x - stage.width / 2, y: at.y - stage.height / 2 };
  const x = fromCentre.x - (fromCentre.x - view.x) * ratio;
  const y = fromCentre.y - (fromCentre.y - view.y) * ratio;
  return within({ zoom, x, y }, stage, photo);
}

export function movedBy(view: View, dx: number, dy: number, stage: Size, photo: Size): View {
  return within({ ...view, x: view.x + dx, y: view.y + dy }, stage, photo);
}

/** The view that shows a box of the photo with some of its surroundings. */
export function lookAt(box: Box, stage: Size, photo: Size): View {
  const fit = fitScale(stage, photo);
  const most = Math.min(stage.width / (box.width * fit), stage.height / (box.height * fit));
  const zoom = Math.min(MOST_ZOOM, Math.max(1, 0.6 * most));
  const scale = fit * zoom;
  const x = (photo.width / 2 - (box.x + box.width / 2)) * scale;
  const y = (photo.height / 2 - (box.y + box.height / 2)) * scale;
  return within({ zoom, x, y }, stage, photo);
}

/** The part of the stage, left to right, on which the photo can be seen. */
export function visibleSpan(view: View, stage: Size, photo: Size): { left: number; right: number } {
  const box = photoBox(view, stage, photo);
  return { left: Math.max(0, box.x), right: Math.min(stage.width, box.x + box.width) };
}

/** Never moved so far that the stage shows more emptiness than it has to. */
function within(view: View, stage: Size, photo: Size): View {
  const { width, height } = photoBox({ ...view, x: 0, y: 0 }, stage, photo);
  const reachX = Math.max(0, (width - stage.width) / 2);
  const reachY = Math.max(0, (height - stage.height) / 2);
  return { zoom: view.zoom, x: clamp(view.x, reachX), y: clamp(view.y, reachY) };
}

function clamp(value: number, reach: number): number {
  return Math.min(reach, Math.max(-reach, value)) + 0; // + 0: no minus zero
}
