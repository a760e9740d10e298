// Entities by stages of one process, on a canvas, as they move. Choosing a block of it says what can be done with those entities.
import "../style/matrix.css";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, query } from "../router.ts";
import { now } from "../state/clock.ts";
import { theme } from "../state/setting.ts";
import { language } from "../text/language.ts";
import { stateName } from "../text/states.ts";
import { Choice } from "../ui/choice.tsx";
import { count } from "../ui/format.ts";
import { Shape } from "../ui/state.tsx";
import { Empty, Trouble } from "../ui/told.tsx";
import { common } from "../text/common.ts";
import { matrixWords } from "./matrix.text.ts";
import { Chosen } from "./matrix/chosen.tsx";
import { layoutOf, NAMES, Painter, paletteOf, ROW, type Layout, type Marked } from "./matrix/paint.ts";
import { arrange, SORTS, tally, type Row, type Sort } from "./matrix/rows.ts";
import type { Known } from "./matrix/use.ts";
import { told } from "./matrix/words.ts";

/** Where the cursor is, by execution, so that it stays where it was when rows move; and where the block began. */
interface Cursor {
  row: number;
  stage: number;
  fromRow: number;
  fromStage: number;
}

/** The matrix of a process that `known` is about; `paint` is told how to draw it anew. */
export function MatrixOf({ process, known, paint }: { process: string; known: Known; paint: { current: () => void } }) {
  const words = matrixWords();
  const given = query.value.get("sort") as Sort | null;
  const sort = given !== null && SORTS.includes(given) ? given : "launched";
  const find = query.value.get("entity") ?? "";
  const state = query.value.get("state") ?? "";
  const order = useMemo(() => arrange(known.rows, sort, find, state), [known.version, sort, find, state]);
  if (known.problem !== null) return <Trouble problem={known.problem} again={known.again} />;
  if (known.loading) {
    return (
      <p class="reading" role="status">
        {common().loading}
      </p>
    );
  }
  if (known.rows.length === 0) return <Empty title={words.noEntities} />;
  return (
    <>
      <Tools known={known} sort={sort} find={find} state={state} />
      {order.length === 0 ? (
        <Empty title={words.none} />
      ) : (
        <Picture process={process} known={known} order={order} paint={paint} />
      )}
    </>
  );
}

function Tools({ known, sort, find, state }: { known: Known; sort: Sort; find: string; state: string }) {
  const words = matrixWords();
  const counted = useMemo(() => tally(known.rows), [known.version]);
  const offered = [...counted.keys()].filter((name) => !["rolling_back", "cancelling"].includes(name));
  return (
    <div class="tools">
      <Choice
        name={words.sort}
        value={sort}
        choose={(value) => ask({ sort: value === "launched" ? null : value })}
        choices={SORTS.map((one) => [one, words.sorts[one]] as const)}
      />
      <label class="inline">
        {words.show}
        <select value={state} onChange={(event) => ask({ state: event.currentTarget.value })}>
          <option value="">
            {words.all} ({count(known.rows.length)})
          </option>
          {offered.map((name) => (
            <option value={name}>
              {name === "blocked" ? words.blocked : stateName(name)} ({count(counted.get(name) ?? 0)})
            </option>
          ))}
        </select>
      </label>
      <label class="inline">
        {words.find}
        <input type="search" value={find} onInput={(event) => ask({ entity: event.currentTarget.value })} />
      </label>
      <Legend />
    </div>
  );
}

const LEGEND = ["pending", "running", "waiting", "retrying", "succeeded", "failed", "skipped", "cancelled", "rolling_back"];

function Legend() {
  return (
    <ul class="legend" aria-label={matrixWords().legend}>
      {LEGEND.map((state) => (
        <li>
          <Shape state={state} /> {stateName(state)}
        </li>
      ))}
    </ul>
  );
}

function Picture({
  process,
  known,
  order,
  paint,
}: {
  process: string;
  known: Known;
  order: Int32Array;
  paint: { current: () => void };
}) {
  const words = matrixWords();
  const place = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const layout = useMemo<Layout | null>(
    () => (size === null ? null : layoutOf(size.width, size.height, known.stages.length)),
    [size, known.stages.length],
  );
  const marked = useMemo(() => markedOf(known.rows, order, cursor), [known.version, order, cursor]);
  const painter = useRef<Painter | null>(null);

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const measure = (): void => {
      const height = Math.max(ROW, element.clientHeight - (head.current?.offsetHeight ?? 0));
      setSize({ width: element.clientWidth, height });
    };
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    if (head.current !== null) watch.observe(head.current);
    return () => watch.disconnect();
  }, []);

  useEffect(() => {
    if (canvas.current === null || layout === null) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const renew = (): void => {
      if (canvas.current === null) return;
      painter.current = new Painter(canvas.current, layout, paletteOf(document.body), window.devicePixelRatio || 1);
      paint.current();
    };
    renew();
    dark.addEventListener("change", renew);
    return () => dark.removeEventListener("change", renew);
  }, [layout, theme.value]);

  useEffect(() => {
    let frame = 0;
    const draw = (): void => {
      frame = 0;
      if (painter.current === null) return;
      painter.current.draw(known.rows, order, place.current?.scrollTop ?? 0, marked, told);
      // The first picture is what somebody waits for; `tests/figures.mjs` reads when it was there.
      if (performance.getEntriesByName("matrix").length === 0) performance.mark("matrix");
    };
    paint.current = () => {
      if (frame === 0) frame = requestAnimationFrame(draw);
    };
    paint.current();
    return () => cancelAnimationFrame(frame);
  }, [known.version, order, marked, layout, theme.value, language.value]);

  useEffect(() => now.subscribe(() => paint.current()), []);

  /** Puts the cursor somewhere, with the block from where it began if it is drawn out. */
  const move = (at: number, stage: number, isDrawn: boolean): void => {
    const row = Math.max(0, Math.min(order.length - 1, at));
    const column = Math.max(0, Math.min(known.stages.length - 1, stage));
    const id = known.rows[order[row] ?? -1]?.id ?? 0;
    setCursor((was) =>
      isDrawn && was !== null
        ? { ...was, row: id, stage: column }
        : { row: id, stage: column, fromRow: id, fromStage: column },
    );
    show(place.current, row, size?.height ?? 0);
  };
  const at = (event: MouseEvent): [number, number] => {
    const box = canvas.current?.getBoundingClientRect();
    const x = event.clientX - (box?.left ?? 0) - NAMES;
    const y = event.clientY - (box?.top ?? 0) + (place.current?.scrollTop ?? 0);
    return [Math.floor(y / ROW), Math.floor(x / (layout?.cell ?? 1))];
  };
  const cell = layout?.cell ?? 0;
  const block = marked === null ? [] : rowsIn(known.rows, order, marked);
  const under = marked === null ? undefined : known.rows[order[marked.row] ?? -1];
  return (
    <>
      <div
        class="matrix"
        ref={place}
        tabIndex={0}
        role="application"
        aria-label={`${words.name}. ${words.keys}`}
        style={{ height: `min(${order.length * ROW + (head.current?.offsetHeight ?? 120) + 2}px, max(16rem, 100vh - 22rem))` }}
        onScroll={() => paint.current()}
        onKeyDown={(event) => key(event, marked, order.length, known.stages.length, move, setCursor, known, order)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          const [row, stage] = at(event);
          if (row < 0 || row >= order.length || event.target !== canvas.current) return;
          move(row, stage, event.shiftKey);
          place.current?.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (place.current?.hasPointerCapture(event.pointerId) !== true) return;
          const [row, stage] = at(event);
          move(row, stage, true);
        }}
      >
        <div class="matrix-head" ref={head} aria-hidden="true" style={{ width: `${layout?.width ?? 0}px` }}>
          <span class="matrix-name" style={{ width: `${NAMES}px` }}>
            {common().entity}
          </span>
          {known.stages.map((stage) => (
            <span class={cell < 62 ? "is-upright" : ""} style={{ width: `${cell}px` }} title={stage.name}>
              {stage.name}
            </span>
          ))}
        </div>
        <div class="matrix-room" style={{ height: `${order.length * ROW}px` }}>
          <canvas ref={canvas} aria-hidden="true" style={{ top: `${head.current?.offsetHeight ?? 0}px` }} />
        </div>
      </div>
      {marked !== null && under !== undefined ? (
        <Chosen
          process={process}
          rows={block}
          stages={known.stages}
          marked={marked}
          cursor={under}
          letGo={() => setCursor(null)}
          done={known.again}
        />
      ) : (
        <p class="help chosen-hint">{words.keys}</p>
      )}
    </>
  );
}

/** Scrolls so that a row is seen. */
function show(place: HTMLElement | null, row: number, height: number): void {
  if (place === null) return;
  const top = row * ROW;
  if (top < place.scrollTop) place.scrollTop = top;
  else if (top + ROW > place.scrollTop + height) place.scrollTop = top + ROW - height;
}

function placeOf(rows: readonly Row[], order: Int32Array, id: number): number {
  return order.findIndex((place) => rows[place]?.id === id);
}

/** Where cursor and block are in the order that is shown; `null` when the cursor's row is not in it. */
function markedOf(rows: readonly Row[], order: Int32Array, cursor: Cursor | null): Marked | null {
  if (cursor === null) return null;
  const row = placeOf(rows, order, cursor.row);
  if (row < 0) return null;
  const from = cursor.fromRow === cursor.row ? row : placeOf(rows, order, cursor.fromRow);
  const start = from < 0 ? row : from;
  return {
    row,
    stage: cursor.stage,
    top: Math.min(row, start),
    bottom: Math.max(row, start),
    left: Math.min(cursor.stage, cursor.fromStage),
    right: Math.max(cursor.stage, cursor.fromStage),
  };
}

function rowsIn(rows: readonly Row[], order: Int32Array, marked: Marked): Row[] {
  const found: Row[] = [];
  for (let at = marked.top; at <= marked.bottom; at += 1) {
    const row = rows[order[at] ?? -1];
    if (row !== undefined) found.push(row);
  }
  return found;
}

function key(
  event: KeyboardEvent,
  marked: Marked | null,
  rows: number,
  stages: number,
  move: (row: number, stage: number, isDrawn: boolean) => void,
  setCursor: (cursor: Cursor | null) => void,
  known: Known,
  order: Int32Array,
): void {
  const { row, stage } = marked ?? { row: -1, stage: 0 };
  const page = 20;
  const to: Record<string, [number, number]> = {
    ArrowUp: [row - 1, stage],
    ArrowDown: [row + 1, stage],
    ArrowLeft: [row, stage - 1],
    ArrowRight: [row, stage + 1],
    PageUp: [row - page, stage],
    PageDown: [row + page, stage],
    Home: event.ctrlKey ? [0, stage] : [row, 0],
    End: event.ctrlKey ? [rows - 1, stage] : [row, stages - 1],
  };
  const target = to[event.key];
  if (target !== undefined) {
    event.preventDefault();
    move(target[0], target[1], event.shiftKey);
  } else if (event.key === "Escape") {
    setCursor(null);
  } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    const first = known.rows[order[0] ?? -1]?.id ?? 0;
    const last = known.rows[order[rows - 1] ?? -1]?.id ?? 0;
    setCursor({ row: last, stage: stages - 1, fromRow: first, fromStage: 0 });
  }
}
