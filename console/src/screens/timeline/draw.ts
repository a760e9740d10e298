// Draws rows on a canvas, and finds what is drawn at a point. It knows no page: it is handed a context, sizes and colours.
import { hue } from "../../ui/hue.ts";
import { hatch, type Ink } from "../../ui/ink.ts";
import { ticks, type Piece, type Row, type View } from "./layout.ts";

export const GUTTER = 170;
export const AXIS = 22;
const STAGES = 18;
const TRACK = 13;
const GAP = 4;
const GHOST = 5;
/** Narrower pieces are drawn this wide, so that they can be seen and hit. */
const LEAST = 4;
/** How far beside a piece still hits it. */
const NEAR = 3;
/** More arrows than this say nothing: only those of the picked lane are drawn then. */
const ARROWS_MAX = 150;

/** A row with its place. */
export interface Placed {
  row: Row;
  /** The same entity's lane of the other process. */
  ghost: Row | null;
  isFolded: boolean;
  top: number;
  height: number;
}

/** Rows below each other. */
export function place(rows: readonly Row[], ghosts: ReadonlyMap<string, Row>, folded: (row: Row) => boolean): Placed[] {
  let top = 0;
  const has = ghosts.size > 0;
  return rows.map((row) => {
    const isFolded = folded(row);
    const height = STAGES + (isFolded ? 0 : (row.tracks - 1) * TRACK) + (has ? GHOST : 0) + GAP;
    const placed = { row, ghost: ghosts.get(row.entity ?? "") ?? null, isFolded, top, height };
    top += height;
    return placed;
  });
}

/** All that a picture is drawn of. */
export interface Picture {
  placed: readonly Placed[];
  view: View;
  width: number;
  height: number;
  /** How far it is scrolled. */
  scroll: number;
  ink: Ink;
  picked: { execution: number; piece: Piece | null } | null;
  span: (micros: number) => string;
  itself: string;
}

function xOf(picture: Picture, at: number): number {
  const { view, width } = picture;
  return GUTTER + ((at - view.from) / (view.until - view.from)) * (width - GUTTER);
}

/** The time at a point. */
export function timeAt(picture: Pick<Picture, "view" | "width">, x: number): number {
  const share = (x - GUTTER) / Math.max(1, picture.width - GUTTER);
  return picture.view.from + share * (picture.view.until - picture.view.from);
}

function box(picture: Picture, placed: Placed, piece: Piece): { x: number; y: number; width: number; height: number } | null {
  const isHidden = placed.isFolded && piece.kind === "step";
  if (isHidden || piece.until < picture.view.from || piece.from > picture.view.until) return null;
  const from = Math.max(GUTTER, xOf(picture, piece.from));
  const until = Math.min(picture.width, xOf(picture, piece.until));
  const top = AXIS + placed.top - picture.scroll;
  const width = Math.max(LEAST, until - from - (piece.kind === "step" ? 1 : 0));
  if (piece.kind === "stage") return { x: from, y: top, width, height: STAGES };
  if (piece.kind === "queue") return { x: from, y: top + STAGES / 2 - 1, width, height: 2 };
  if (placed.isFolded) return { x: from, y: top + STAGES - 6, width, height: 6 };
  return { x: from, y: top + STAGES + (piece.track - 1) * TRACK + 1, width, height: TRACK - 2 };
}

/** What is at a point: a lane, and what of it. */
export function hit(picture: Picture, x: number, y: number): { placed: Placed; piece: Piece | null } | null {
  const at = y - AXIS + picture.scroll;
  const placed = y < AXIS ? undefined : picture.placed.find((one) => at >= one.top && at < one.top + one.height);
  if (placed === undefined) return null;
  let found: { piece: Piece; away: number } | null = null;
  for (const piece of placed.row.pieces) {
    const area = box(picture, placed, piece);
    if (area === null || y < area.y - NEAR || y > area.y + area.height + NEAR) continue;
    const away = Math.max(area.x - x, x - area.x - area.width, 0);
    const isInside = y >= area.y && y <= area.y + area.height ? 0 : 1;
    const far = away + isInside;
    // What is drawn later lies above.
    if (away <= NEAR && (found === null || far <= found.away)) found = { piece, away: far };
  }
  return { placed, piece: found?.piece ?? null };
}

/** Draws it all. */
export function draw(context: CanvasRenderingContext2D, picture: Picture): void {
  const { ink, width, height } = picture;
  context.clearRect(0, 0, width, height);
  context.font = `11px ${ink.font}`;
  context.textBaseline = "middle";
  const seen = picture.placed.filter(
    (one) => one.top + one.height >= picture.scroll && one.top <= picture.scroll + height - AXIS,
  );
  grid(context, picture);
  for (const placed of seen) lane(context, picture, placed);
  arrows(context, picture, seen);
  axis(context, picture);
}

function grid(context: CanvasRenderingContext2D, picture: Picture): void {
  context.fillStyle = picture.ink.of.line;
  for (const at of ticks(picture.view, (picture.width - GUTTER) / 110)) {
    context.fillRect(Math.round(xOf(picture, at)), AXIS, 1, picture.height - AXIS);
  }
}

function axis(context: CanvasRenderingContext2D, picture: Picture): void {
  const { of } = picture.ink;
  context.fillStyle = of.panel;
  context.fillRect(0, 0, picture.width, AXIS);
  context.fillStyle = of.line;
  context.fillRect(0, AXIS - 1, picture.width, 1);
  context.fillRect(GUTTER - 1, 0, 1, picture.height);
  context.fillStyle = of.faint;
  for (const at of ticks(picture.view, (picture.width - GUTTER) / 110)) {
    context.fillText(picture.span(at), xOf(picture, at) + 4, AXIS / 2);
  }
}

function lane(context: CanvasRenderingContext2D, picture: Picture, placed: Placed): void {
  const { ink, picked } = picture;
  const { row } = placed;
  const top = AXIS + placed.top - picture.scroll;
  if (picked?.execution === row.execution) {
    context.fillStyle = ink.of.sunk;
    context.fillRect(0, top - 2, picture.width, placed.height);
  }
  name(context, picture, placed, top);
  if (placed.ghost !== null) ghost(context, picture, placed, placed.ghost);
  for (const piece of row.pieces) {
    const area = box(picture, placed, piece);
    if (area !== null) bar(context, picture, piece, area);
  }
}

function name(context: CanvasRenderingContext2D, picture: Picture, placed: Placed, top: number): void {
  const { of } = picture.ink;
  const { row } = placed;
  context.save();
  context.beginPath();
  context.rect(0, AXIS, GUTTER - 6, picture.height);
  context.clip();
  context.fillStyle = of.faint;
  triangle(context, 12, top + STAGES / 2, placed.isFolded);
  context.fillStyle = row.state === "failed" ? of.bad : of.ink;
  context.fillText(`${row.state === "failed" ? "✕ " : ""}${row.entity ?? picture.itself}`, 22, top + STAGES / 2 + 0.5);
  context.restore();
}

function triangle(context: CanvasRenderingContext2D, x: number, y: number, isFolded: boolean): void {
  context.beginPath();
  if (isFolded) {
    context.moveTo(x - 2, y - 4);
    context.lineTo(x + 3, y);
    context.lineTo(x - 2, y + 4);
  } else {
    context.moveTo(x - 4, y - 2);
    context.lineTo(x + 4, y - 2);
    context.lineTo(x, y + 3);
  }
  context.fill();
}

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

function bar(context: CanvasRenderingContext2D, picture: Picture, piece: Piece, area: Area): void {
  const { of, hues } = picture.ink;
  const own = hues[hue(piece.kind === "wait" ? (piece.about ?? piece.name) : piece.name)] ?? of.run;
  if (piece.kind === "queue") {
    context.fillStyle = of["line-strong"];
    for (let x = area.x; x < area.x + area.width; x += 6) context.fillRect(x, area.y, Math.min(3, area.x + area.width - x), area.height);
    return;
  }
  if (piece.kind === "wait") {
    context.fillStyle = of.panel;
    context.fillRect(area.x, area.y, area.width, area.height);
    context.fillStyle = hatch(context, own);
    context.fillRect(area.x, area.y, area.width, area.height);
    context.strokeStyle = own;
    context.lineWidth = 1;
    context.strokeRect(area.x + 0.5, area.y + 0.5, Math.max(1, area.width - 1), area.height - 1);
  } else {
    work(context, picture, piece, area);
  }
  if (picture.picked?.piece === piece) {
    context.strokeStyle = of.ink;
    context.lineWidth = 2;
    context.strokeRect(area.x - 1, area.y - 1, area.width + 2, area.height + 2);
  }
}

function work(context: CanvasRenderingContext2D, picture: Picture, piece: Piece, area: Area): void {
  const { of } = picture.ink;
  const tone = toneOf(piece.state);
  context.globalAlpha = piece.kind === "stage" ? 0.32 : 0.85;
  context.fillStyle = of[tone];
  context.fillRect(area.x, area.y, area.width, area.height);
  context.globalAlpha = 1;
  // A stage has an edge, so that two in a row are two; what failed is struck through.
  context.fillRect(area.x, area.y, Math.min(2, area.width), area.height);
  if (tone === "bad") {
    context.fillRect(area.x, area.y, area.width, 2);
    context.fillRect(area.x, area.y + area.height - 2, area.width, 2);
  }
  const text = piece.kind === "stage" ? piece.name : piece.name.slice(piece.name.indexOf("/") + 1);
  if (context.measureText(text).width + 10 > area.width) return;
  context.fillStyle = piece.kind === "stage" ? of.ink : of.panel;
  // The lower part of a stage belongs to waits while its lane is folded.
  context.fillText(text, area.x + 6, area.y + (piece.kind === "stage" ? 6.5 : area.height / 2 + 0.5));
}

function toneOf(state: string): "good" | "bad" | "run" | "warn" | "quiet" | "wait" {
  switch (state) {
    case "succeeded":
      return "good";
    case "failed":
      return "bad";
    case "running":
      return "run";
    case "waiting":
      return "wait";
    case "interrupted":
    case "retrying":
      return "warn";
    default:
      return "quiet";
  }
}

/** The other process's stages, as a line below. */
function ghost(context: CanvasRenderingContext2D, picture: Picture, placed: Placed, other: Row): void {
  const y = AXIS + placed.top - picture.scroll + placed.height - GAP - GHOST + 1;
  context.strokeStyle = picture.ink.of.faint;
  context.lineWidth = 1;
  for (const piece of other.pieces) {
    if (piece.kind !== "stage" || piece.until < picture.view.from || piece.from > picture.view.until) continue;
    const from = Math.max(GUTTER, xOf(picture, piece.from));
    const until = Math.min(picture.width, xOf(picture, piece.until));
    context.strokeRect(from + 0.5, y + 0.5, Math.max(2, until - from - 1), GHOST - 2);
  }
}

/** From waits to who held what they waited for. */
function arrows(context: CanvasRenderingContext2D, picture: Picture, seen: readonly Placed[]): void {
  const places = new Map(picture.placed.map((one) => [one.row.execution, one]));
  const known = seen.flatMap((placed) =>
    placed.row.pieces
      .filter((piece) => piece.kind === "wait" && piece.holder !== null && places.has(piece.holder))
      .map((piece) => ({ placed, piece })),
  );
  const isFew = known.length <= ARROWS_MAX;
  context.save();
  context.beginPath();
  context.rect(GUTTER, AXIS, picture.width, picture.height);
  context.clip();
  for (const { placed, piece } of known) {
    const isPicked = picture.picked?.execution === placed.row.execution;
    const holder = places.get(piece.holder ?? -1);
    const isWide = (piece.until - piece.from) / (picture.view.until - picture.view.from) > 0.006;
    if (holder !== undefined && ((isFew && isWide) || isPicked)) arrow(context, picture, { placed, piece, holder, isPicked });
  }
  context.restore();
}

function arrow(
  context: CanvasRenderingContext2D,
  picture: Picture,
  { placed, piece, holder, isPicked }: { placed: Placed; piece: Piece; holder: Placed; isPicked: boolean },
): void {
  const area = box(picture, placed, piece);
  if (area === null) return;
  const { of, hues } = picture.ink;
  const from = { x: Math.min(picture.width, xOf(picture, piece.until)), y: area.y + area.height / 2 };
  const up = holder.top < placed.top;
  const to = {
    x: xOf(picture, piece.releasedAt ?? piece.until),
    y: AXIS + holder.top - picture.scroll + (up ? STAGES : 0),
  };
  context.globalAlpha = isPicked ? 1 : 0.45;
  context.strokeStyle = isPicked ? of.ink : (hues[hue(piece.about ?? piece.name)] ?? of.faint);
  context.fillStyle = context.strokeStyle;
  context.lineWidth = isPicked ? 1.6 : 1;
  const bend = Math.min(18, Math.abs(to.y - from.y) / 2);
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.bezierCurveTo(from.x + bend, from.y, to.x + bend, to.y, to.x, to.y + (up ? 4 : -4));
  context.stroke();
  context.beginPath();
  context.moveTo(to.x, to.y);
  context.lineTo(to.x - 3.5, to.y + (up ? 6 : -6));
  context.lineTo(to.x + 3.5, to.y + (up ? 6 : -6));
  context.fill();
  context.globalAlpha = 1;
}
