import { useMemo } from "react";
import { againIfShut } from "@/api/sending";
import { trouble, type Trouble } from "@/api/trouble";
import type { Part } from "@/geometry/part";
import type { Result, Where } from "@/results/result";
import type { DyeName, DyeOfPart } from "./dyes";
import { batchOver } from "./batch";
import { remember } from "./remembered";
import { parseFrame, type Here, type HereRun } from "./parse-here";
import { parsingOver, type Source } from "./parsing";
import { WHOLE, type StudioState, type Style } from "./state";
import { useModels } from "./use-models";

import type { Store } from "./store";

/** Everything a person can do on the page. */
export interface Acts {
  open: (source: Source) => void;
  /** One photo, or several one after the other. Of none it is said that there is none. */
  openAll: (files: readonly File[]) => void;
  /** Ends the parsing of several photos and forgets them. */
  closeBatch: () => void;
  /**
   * Makes a file of a result, where photos may be sent as they may be then: again, and drawn here, where they
   * are to stay here meanwhile.
   */
  take: <T>(make: (chosen: Pick<StudioState, "where" | "apiKey">) => Promise<T>) => Promise<T>;
  /** Rejects with a TroubleError. */
  zipBatch: () => Promise<Blob>;
  /** The photo on the stage, as it was to be parsed. */
  parse: () => void;
  parseWhole: () => void;
  parsePart: (part: Part) => void;
  /** All of the photo, by the faces found in it. */
  parseAll: () => void;
  /** A picture of the camera, on this device. Rejects with a TroubleError, or an AbortError. */
  parseFrame: (frame: Pick<HereRun, "source" | "signal" | "tell">) => Promise<Here>;
  /** Begin or leave the drawing of a box. */
  draw: (drawing: boolean) => void;
  chooseWhere: (where: Where) => void;
  /** By name. */
  chooseModel: (name: string) => void;
  /** Lays what another model finds beside the result, by name; null ends it. */
  compare: (name: string | null) => void;
  setKey: (apiKey: string) => void;
  show: (result: Result) => void;
  /** Shows one class alone; null: all that are switched on. */
  keep: (solo: number | null) => void;
  restyle: (style: Partial<Style>) => void;
  /** A part's own colour, by the class's name; null: that of the palette. */
  tint: (name: string, color: string | null) => void;
  /** Gives a part of the photo a new colour; null: its own again. */
  dye: (name: DyeName, dye: DyeOfPart | null) => void;
  undye: () => void;
  selectFace: (face: number | null) => void;
  hide: (hidden: ReadonlySet<number>) => void;
  highlight: (id: number | null) => void;
  point: (id: number | null) => void;
  setOpacity: (opacity: number) => void;
  setSplit: (split: number) => void;
  /** Something beside the parsing went wrong, such as a download. */
  fail: (trouble: Trouble, retry?: () => void) => void;
  retry: () => void;
  /** Ends what is being done, and closes what is being said. */
  dismiss: () => void;
}

/** The acts over a store; always the same object. */
export function useActs(store: Store): Acts {
  const { dispatch, now } = store;
  const parsing = useMemo(() => parsingOver({ dispatch, now }), [dispatch, now]);
  const batch = useMemo(() => batchOver({ dispatch, now }), [dispatch, now]);
  const reloadModels = useModels(store);

  return useMemo(() => {
    const { open, parse, compare, stop } = parsing;
    const withModels = () => {
      if (now().models.length === 0) reloadModels();
    };
    /** Parse what is on the stage; a photo that is only being opened is parsed when it is open. */
    const again = (change: Partial<typeof WHOLE> = {}) => {
      const { photo, progress, look } = now();
      withModels();
      if (photo && progress?.stage !== "opening") void parse(photo, { ...look, ...change });
    };
    const retry = () => {
      const { failure } = now();
      reloadModels();
      if (failure) dispatch({ type: "dismissed" });
      failure?.retry?.();
    };

    return {
      open: (source) => {
        withModels();
        void open(source);
      },
      openAll: (files) => {
        withModels();
        if (files.length === 1) void open(files[0]!);
        else if (files.length > 1) {
          stop();
          dispatch({ type: "dismissed" });
          void batch.open(files);
        } else dispatch({ type: "told", failure: { trouble: trouble("no_photos").trouble } });
      },
      closeBatch: batch.close,
      take: (make) => againIfShut(() => make({ where: now().where, apiKey: now().apiKey })),
      zipBatch: async () => {
        const { zipOfMasks } = await import("./zip-of-masks");
        return againIfShut(() => zipOfMasks({ now }));
      },
      parse: () => again(),
      parseWhole: () => again({ faces: "whole", part: null }),
      parsePart: (part) => again({ faces: "whole", part }),
      parseAll: () => again(WHOLE),
      parseFrame: (frame) => parseFrame({ now }, frame),
      draw: (drawing) => dispatch({ type: "looked", drawing }),
      chooseWhere: (where) => {
        remember({ where });
        dispatch({ type: "chose", where });
        batch.restart();
        again();
      },
      chooseModel: (name) => {
        dispatch({ type: "chose", model: name === now().models[0]?.name ? null : name });
        again();
      },
      compare: (name) => {
        const { result, models } = now();
        if (name === null) dispatch({ type: "compared", result: null });
        else if (result) void compare(result, name === models[0]?.name ? null : name);
      },
      setKey: (apiKey) => {
        dispatch({ type: "chose", apiKey });
        retry();
      },
      show: (result) => {
        stop();
        dispatch({ type: "shown", result });
      },
      keep: (solo) => dispatch({ type: "looked", solo }),
      restyle: (style) => dispatch({ type: "chose", style: { ...now().style, ...style } }),
      tint: (name, color) => {
        const { [name]: _, ...others } = now().tints;
        const tints = color === null ? others : { ...others, [name]: color };
        remember({ tints });
        dispatch({ type: "chose", tints });
      },
      dye: (name, dye) => {
        const { [name]: _, ...others } = now().dyes;
        dispatch({ type: "dyed", dyes: dye ? { ...others, [name]: dye } : others });
      },
      undye: () => dispatch({ type: "dyed", dyes: {} }),
      selectFace: (face) => dispatch({ type: "looked", face }),
      hide: (hidden) => dispatch({ type: "hid", hidden }),
      highlight: (highlighted) => dispatch({ type: "looked", highlighted }),
      point: (pointed) => dispatch({ type: "looked", pointed }),
      setOpacity: (opacity) => dispatch({ type: "chose", opacity }),
      setSplit: (split) => dispatch({ type: "chose", split }),
      fail: (trouble, retry) => dispatch({ type: "told", failure: { trouble, retry } }),
      retry,
      dismiss: () => {
        stop();
        dispatch({ type: "dismissed" });
      },
    };
  }, [dispatch, now, parsing, batch, reloadModels]);
}
