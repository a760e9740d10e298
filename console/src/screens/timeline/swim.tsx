// The picture: a canvas that shows the rows in sight, moved by mouse and keyboard. What is picked stands below it as text.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { go } from "../../router.ts";
import { causeName, stateName } from "../../text/states.ts";
import { executionWords } from "../execution.text.ts";
import { timelineWords } from "../timeline.text.ts";
import { span } from "../../ui/format.ts";
import { ink } from "../../ui/ink.ts";
import { AXIS, draw, GUTTER, hit, place, timeAt, type Picture } from "./draw.ts";
import { within, zoomed, type Piece, type Row, type View } from "./layout.ts";

interface Picked {
  execution: number;
  piece: Piece | null;
}

interface SwimProps {
  name: string;
  rows: readonly Row[];
  ghosts: ReadonlyMap<string, Row>;
  whole: View;
  view: View;
  look: (view: View) => void;
  /** Lanes that are not as the rest: unfolded where the rest is folded, or the other way round. */
  others: ReadonlySet<number>;
  isFolded: boolean;
  fold: (execution: number) => void;
}

export function Swim(props: SwimProps) {
  const { rows, ghosts, whole, view, look, others, isFolded, fold } = props;
  const words = timelineWords();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 800, height: 400 });
  const [scroll, setScroll] = useState(0);
  const [picked, setPicked] = useState<Picked | null>(null);
  const placed = useMemo(
    () => place(rows, ghosts, (row) => isFolded !== others.has(row.execution)),
    [rows, ghosts, isFolded, others],
  );
  const total = AXIS + placed.reduce((sum, one) => sum + one.height, 0);
  const colours = ink.value;
  // Rows are read anew while the process runs; what is picked stays what it was.
  const kept = picked === null ? null : again(rows, picked);
  const picture: Picture = { placed, view, ...size, scroll, ink: colours, picked: kept, span, itself: executionWords().itself };
  const shown = useRef(picture);
  shown.current = picture;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (element == null || context == null) return;
    const ratio = window.devicePixelRatio;
    element.width = Math.round(size.width * ratio);
    element.height = Math.round(size.height * ratio);
    element.style.width = `${size.width}px`;
    element.style.height = `${size.height}px`;
    context.scale(ratio, ratio);
    draw(context, picture);
  });

  useWheel(box, shown, whole, look);
  const drag = useDrag(shown, whole, look);

  const pick = (execution: number, piece: Piece | null): void => {
    setPicked({ execution, piece });
    const one = placed.find((each) => each.row.execution === execution);
    const element = box.current;
    if (one === undefined || element === null) return;
    if (one.top < element.scrollTop) element.scrollTop = one.top;
    const below = one.top + one.height + AXIS - element.clientHeight;
    if (below > element.scrollTop) element.scrollTop = below;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = (view.from + view.until) / 2;
    const width = view.until - view.from;
    const deeds: Record<string, () => void> = {
      "+": () => look(zoomed(view, middle, 0.5, whole)),
      "-": () => look(zoomed(view, middle, 2, whole)),
      "0": () => look(whole),
      f: () => kept !== null && fold(kept.execution),
      Enter: () => kept !== null && go(`/executions/${kept.execution}`),
      ArrowDown: () => step(rows, kept, 1, pick),
      ArrowUp: () => step(rows, kept, -1, pick),
      ArrowRight: () => (event.shiftKey ? look(within({ from: view.from + width / 4, until: view.until + width / 4 }, whole)) : along(rows, kept, 1, pick)),
      ArrowLeft: () => (event.shiftKey ? look(within({ from: view.from - width / 4, until: view.until - width / 4 }, whole)) : along(rows, kept, -1, pick)),
    };
    const deed = deeds[event.key === "=" ? "+" : event.key];
    if (deed === undefined) return;
    event.preventDefault();
    deed();
  };
  const point = (event: MouseEvent): { x: number; y: number } => {
    const area = canvas.current?.getBoundingClientRect();
    return { x: event.clientX - (area?.left ?? 0), y: event.clientY - (area?.top ?? 0) };
  };
  return (
    <>
      <div
        ref={box}
        class="swim"
        tabIndex={0}
        role="group"
        aria-label={words.picked(props.name)}
        aria-description={words.keys}
        onScroll={(event) => setScroll(event.currentTarget.scrollTop)}
        onKeyDown={onKeyDown}
      >
        <div style={{ height: `${Math.max(total, 1)}px` }}>
          <canvas
            ref={canvas}
            aria-hidden="true"
            onPointerDown={drag}
            onClick={(event) => {
              const { x, y } = point(event);
              const found = hit(shown.current, x, y);
              if (found === null) return;
              if (x < GUTTER) fold(found.placed.row.execution);
              setPicked({ execution: found.placed.row.execution, piece: found.piece });
            }}
            onDblClick={(event) => {
              const { x, y } = point(event);
              const found = hit(shown.current, x, y);
              if (found !== null && x >= GUTTER) go(`/executions/${found.placed.row.execution}`);
            }}
            onPointerMove={(event) => {
              const { x, y } = point(event);
              const found = hit(shown.current, x, y);
              const element = event.currentTarget;
              element.style.cursor = found === null ? "default" : x < GUTTER || found.piece !== null ? "pointer" : "grab";
              element.title = found?.piece == null ? (found?.placed.row.entity ?? "") : sentence(found.piece);
            }}
          />
        </div>
      </div>
      <Told rows={rows} picked={kept} />
    </>
  );
}

/** What is picked, found among newer rows. */
function again(rows: readonly Row[], picked: Picked): Picked | null {
  const row = rows.find((one) => one.execution === picked.execution);
  if (row === undefined) return null;
  const { piece } = picked;
  const same =
    piece === null
      ? null
      : (row.pieces.find((one) => one.kind === piece.kind && one.name === piece.name && one.from === piece.from) ?? null);
  return { execution: row.execution, piece: same };
}

type Pick = (execution: number, piece: Piece | null) => void;

function step(rows: readonly Row[], picked: Picked | null, by: number, pick: Pick): void {
  const at = picked === null ? -1 : rows.findIndex((row) => row.execution === picked.execution);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  if (next !== undefined) pick(next.execution, null);
}

function along(rows: readonly Row[], picked: Picked | null, by: number, pick: Pick): void {
  const row = rows.find((one) => one.execution === picked?.execution) ?? rows[0];
  if (row === undefined) return;
  const inTime = [...row.pieces].sort((left, right) => left.from - right.from || left.track - right.track);
  const at = picked?.piece == null ? (by > 0 ? -1 : inTime.length) : inTime.indexOf(picked.piece);
  const next = inTime[Math.min(inTime.length - 1, Math.max(0, at + by))];
  if (next !== undefined) pick(row.execution, next);
}

/** A piece in words. */
export function sentence(piece: Piece): string {
  const words = timelineWords();
  const what =
    piece.kind === "wait" || piece.kind === "queue"
      ? words.waitsFor(causeName(piece.name), piece.about ?? "").trim()
      : `${piece.name}: ${stateName(piece.state)}`;
  const length = piece.isOpen ? `${span(piece.until - piece.from)}, ${words.goesOn}` : span(piece.until - piece.from);
  return `${what} · ${words.from} ${span(piece.from)} · ${words.took} ${length}`;
}

function Told({ rows, picked }: { rows: readonly Row[]; picked: Picked | null }) {
  const words = timelineWords();
  const row = rows.find((one) => one.execution === picked?.execution);
  const piece = picked?.piece ?? null;
  const holder = piece?.holder == null ? undefined : rows.find((one) => one.execution === piece.holder);
  return (
    <p class="swim-told" role="status">
      {row === undefined ? (
        <span class="faint">{words.keys}</span>
      ) : (
        <>
          <a href={`/executions/${row.execution}`}>{row.entity ?? executionWords().itself}</a>{" "}
          {piece === null
            ? `${stateName(row.state)} · ${words.from} ${span(row.began)} · ${words.took} ${span(row.length)} · ${words.waits} ${span(row.waited)}`
            : sentence(piece)}
          {piece?.holder != null && (
            <>
              {" · "}
              {words.heldBy} <a href={`/executions/${piece.holder}`}>{holder?.entity ?? piece.holder}</a>
            </>
          )}
          {piece?.holder == null && piece?.blocker != null && ` · ${words.heldBy} ${piece.blocker}`}
        </>
      )}
    </p>
  );
}

type Shown = { current: Picture };

/** The wheel zooms with Ctrl and moves sideways; else it scrolls as everywhere. */
function useWheel(box: { current: HTMLDivElement | null }, shown: Shown, whole: View, look: (view: View) => void): void {
  const latest = useRef({ whole, look });
  latest.current = { whole, look };
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent): void => {
      const { view, width } = shown.current;
      const { whole: all, look: set } = latest.current;
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        const x = event.clientX - element.getBoundingClientRect().left;
        event.preventDefault();
        set(zoomed(view, timeAt(shown.current, Math.max(GUTTER, x)), 1.0015 ** event.deltaY, all));
      } else if (sideways !== 0) {
        const by = (sideways / Math.max(1, width - GUTTER)) * (view.until - view.from);
        event.preventDefault();
        set(within({ from: view.from + by, until: view.until + by }, all));
      }
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);
}

/** Dragging moves sideways. */
function useDrag(shown: Shown, whole: View, look: (view: View) => void): (event: PointerEvent) => void {
  return (event) => {
    if (event.button !== 0) return;
    const begun = { x: event.clientX, view: shown.current.view };
    const width = Math.max(1, shown.current.width - GUTTER);
    const onMove = (move: PointerEvent): void => {
      const by = ((begun.x - move.clientX) / width) * (begun.view.until - begun.view.from);
      if (Math.abs(begun.x - move.clientX) > 3) look(within({ from: begun.view.from + by, until: begun.view.until + by }, whole));
    };
    const onUp = (): void => {
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onUp);
    };
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onUp);
  };
}
