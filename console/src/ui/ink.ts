// The page's colours for canvases, which know no variables; and hatching in any of them.
import { computed, signal } from "@preact/signals";
import { theme } from "../state/setting.ts";
import { HUES } from "./hue.ts";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const changes = signal(0);
dark.addEventListener("change", () => {
  changes.value += 1;
});

const NAMES = ["ground", "panel", "sunk", "line", "line-strong", "ink", "faint", "accent", "run", "wait", "good", "bad", "warn", "undo", "quiet"] as const;
export type Name = (typeof NAMES)[number];

export interface Ink {
  of: Record<Name, string>;
  hues: string[];
  /** The page's font for text. */
  font: string;
}

/** The colours as they are just now; a canvas that is drawn with them is drawn anew when the theme changes. */
export const ink = computed<Ink>(() => {
  theme.value;
  changes.value;
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (variable: string): string => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const of = Object.fromEntries(NAMES.map((name) => [name, read(`--${name}`)])) as Record<Name, string>;
  const hues = Array.from({ length: HUES }, (_, index) => read(`--hue-${index}`));
  const font = getComputedStyle(document.body).fontFamily;
  probe.remove();
  return { of, hues, font };
});

const patterns = new Map<string, CanvasPattern>();

/** Slanting lines of a colour. */
export function hatch(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const known = patterns.get(colour);
  if (known !== undefined) return known;
  const tile = document.createElement("canvas");
  tile.width = 6;
  tile.height = 6;
  const pen = tile.getContext("2d");
  if (pen === null) return colour;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.6;
  for (const shift of [-6, 0, 6]) {
    pen.beginPath();
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
    pen.stroke();
  }
  const made = context.createPattern(tile, "repeat");
  if (made === null) return colour;
  patterns.set(colour, made);
  return made;
}
