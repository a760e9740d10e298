// The picture of the matrix: only the rows that are seen, each cell a copy of a small picture that was drawn once for its state.
import { mark, type Mark } from "../../ui/mark.ts";
import { cellState, type Row } from "./rows.ts";

/** Height of a row, in CSS pixels. */
export const ROW = 20;
/** Width of the names to the left and of the words to the right. */
export const NAMES = 168;
export const WORDS = 230;

/** Where everything is. */
export interface Layout {
  width: number;
  height: number;
  /** Width of a cell, or of a stage's column. */
  cell: number;
  stages: number;
  /** Whether there is room for words beside the cells. */
  words: number;
}

/** What is marked: the cell under the cursor, and the block between it and where the selection began. */
export interface Marked {
  row: number;
  stage: number;
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** The layout of so many stages in so much room. */
export function layoutOf(width: number, height: number, stages: number): Layout {
  const words = width >= 620 ? WORDS : 0;
  const room = width - NAMES - words;
  const cell = Math.max(14, Math.min(96, Math.floor(room / Math.max(1, stages))));
  return { width: Math.max(width, NAMES + stages * cell + words), height, cell, stages, words };
}

const TONES = ["quiet", "run", "wait", "good", "bad", "warn", "undo"] as const;
type Palette = Record<(typeof TONES)[number] | "ink" | "faint" | "line" | "accent" | "panel" | "sunk", string>;

/** The colours of the theme, as the browser resolves them. */
export function paletteOf(place: HTMLElement): Palette {
  const probe = document.createElement("span");
  place.append(probe);
  const found = {} as Palette;
  for (const name of [...TONES, "ink", "faint", "line", "accent", "panel", "sunk"] as const) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

/** How much of its ground a cell takes of its tone: what is done steps back, what somebody should look at does not. */
const WEIGHT: Record<Mark["tone"], number> = { quiet: 0.16, run: 0.3, wait: 0.3, good: 0.15, bad: 0.38, warn: 0.34, undo: 0.28 };

/** Draws rows. One is made for a canvas, a theme and a width of cells. */
export class Painter {
  private readonly sprites = new Map<string, HTMLCanvasElement>();
  private readonly font: string;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly layout: Layout,
    private readonly palette: Palette,
    private readonly scale: number,
  ) {
    canvas.width = Math.round(layout.width * scale);
    canvas.height = Math.round(layout.height * scale);
    canvas.style.width = `${layout.width}px`;
    canvas.style.height = `${layout.height}px`;
    this.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  }

  /** Draws what is seen at a place of the scroll bar. `words` says what stands beside a row. */
  draw(rows: readonly Row[], order: Int32Array, top: number, marked: Marked | null, words: (row: Row) => string): void {
    const context = this.canvas.getContext("2d", { alpha: false });
    if (context === null) return;
    const { width, height, cell, stages } = this.layout;
    context.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    context.fillStyle = this.palette.panel;
    context.fillRect(0, 0, width, height);
    context.font = this.font;
    context.textBaseline = "middle";
    const first = Math.floor(top / ROW);
    const last = Math.min(order.length - 1, Math.ceil((top + height) / ROW));
    for (let at = first; at <= last; at += 1) {
      const row = rows[order[at] ?? -1];
      if (row === undefined) continue;
      const y = at * ROW - top;
      if (marked !== null && at >= marked.top && at <= marked.bottom) {
        context.fillStyle = this.palette.sunk;
        context.fillRect(0, y, width, ROW);
      }
      this.name(context, row, y);
      for (let stage = 0; stage < stages; stage += 1) {
        const state = cellState(row, stage);
        if (state !== null) context.drawImage(this.sprite(state), NAMES + stage * cell, y, cell, ROW);
      }
      if (this.layout.words > 0) {
        context.fillStyle = this.palette.faint;
        const x = NAMES + stages * cell + 10;
        context.fillText(words(row), x, y + ROW / 2 + 0.5, width - x - 6);
      }
    }
    if (marked !== null) this.outline(context, marked, top);
  }

  private name(context: CanvasRenderingContext2D, row: Row, y: number): void {
    context.fillStyle = row.state === "failed" ? this.palette.bad : this.palette.ink;
    const name = row.entity ?? "·";
    const short = name.length > 24 ? `${name.slice(0, 23)}…` : name;
    context.fillText(short, 10, y + ROW / 2 + 0.5, NAMES - 18);
  }

  private outline(context: CanvasRenderingContext2D, marked: Marked, top: number): void {
    const { cell } = this.layout;
    context.strokeStyle = this.palette.accent;
    const isBlock = marked.top !== marked.bottom || marked.left !== marked.right;
    if (isBlock) {
      context.lineWidth = 1;
      context.strokeRect(
        NAMES + marked.left * cell + 0.5,
        marked.top * ROW - top + 0.5,
        (marked.right - marked.left + 1) * cell - 1,
        (marked.bottom - marked.top + 1) * ROW - 1,
      );
    }
    context.lineWidth = 2;
    context.strokeRect(NAMES + marked.stage * cell + 1, marked.row * ROW - top + 1, cell - 2, ROW - 2);
  }

  /** The picture of a state, drawn when it is needed first. */
  private sprite(state: string): HTMLCanvasElement {
    let made = this.sprites.get(state);
    if (made === undefined) {
      made = this.make(state);
      this.sprites.set(state, made);
    }
    return made;
  }

  private make(state: string): HTMLCanvasElement {
    const made = document.createElement("canvas");
    const { cell } = this.layout;
    made.width = Math.round(cell * this.scale);
    made.height = Math.round(ROW * this.scale);
    const context = made.getContext("2d");
    if (context === null) return made;
    context.scale(this.scale, this.scale);
    const look = mark(state);
    const tone = this.palette[look.tone];
    const isPale = state === "pending";
    context.fillStyle = tone;
    context.globalAlpha = isPale ? 0.1 : WEIGHT[look.tone];
    context.beginPath();
    context.roundRect(1, 1.5, cell - 2, ROW - 3, 3);
    context.fill();
    context.globalAlpha = isPale ? 0.55 : 1;
    this.shape(context, look, tone, (cell - 12) / 2, (ROW - 12) / 2);
    return made;
  }

  private shape(context: CanvasRenderingContext2D, look: Mark, tone: string, x: number, y: number): void {
    const path = new Path2D(look.path);
    context.translate(x, y);
    context.strokeStyle = tone;
    context.fillStyle = tone;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.lineWidth = look.fill ? 0.8 : 1.7;
    if (look.fill) context.fill(path);
    context.stroke(path);
  }
}
