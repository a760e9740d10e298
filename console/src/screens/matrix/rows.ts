// The rows of the matrix: what the server told, what events changed since, and the order and choice in which they are shown. Nothing here
// knows how it looks.
import type { LiveEvent } from "../../api/events.ts";
import type { components } from "../../api/schema.d.ts";

export type Matrix = components["schemas"]["Matrix"];

/** One execution. */
export interface Row {
  id: number;
  entity: string | null;
  run: number;
  state: string;
  /** A letter for each stage; `docs/reference/api.md` says what they mean. */
  cells: string;
  cause: string | null;
  about: string | null;
  since: string | null;
  leaving: string | null;
  micros: number;
  error: string | null;
}

export type Sort = "launched" | "slowest" | "failed" | "blocked" | "name";
export const SORTS: readonly Sort[] = ["launched", "failed", "blocked", "slowest", "name"];

const OPEN = new Set(["pending", "running", "waiting"]);
const NOT_HERE = "-.";

/** Whether an execution goes on, forward or back. */
export function isOpen(row: Row): boolean {
  return OPEN.has(row.state) || row.leaving === "rolling_back";
}

/** Whether it waits for something other than a free lane. */
export function isBlocked(row: Row): boolean {
  return OPEN.has(row.state) && row.state !== "pending" && row.cause !== "running" && row.cause !== null;
}

/** The columns of the server as rows. */
export function rowsOf(matrix: Matrix): Row[] {
  return matrix.ids.map((id, at) => ({
    id,
    entity: matrix.entities[at] ?? null,
    run: matrix.runs[at] ?? 1,
    state: matrix.states[at] ?? "pending",
    cells: matrix.cells[at] ?? "",
    cause: matrix.causes[at] ?? null,
    about: matrix.abouts[at] ?? null,
    since: matrix.since[at] ?? null,
    leaving: matrix.leaving[at] ?? null,
    micros: matrix.micros[at] ?? 0,
    error: matrix.errors[at] ?? null,
  }));
}

const LETTERS: Record<string, string> = {
  ".": "pending",
  p: "pending",
  r: "running",
  w: "waiting",
  s: "succeeded",
  f: "failed",
  k: "skipped",
  c: "cancelled",
  i: "interrupted",
};

/** What a cell shows: a state's name, or nothing where the stage is none of this execution's. */
export function cellState(row: Row, stage: number): string | null {
  const letter = row.cells[stage] ?? "-";
  if (letter === "-") return null;
  if (!NOT_HERE.includes(letter)) {
    if (row.leaving === "rolling_back") return "rolling_back";
    if (row.state === "rolled_back") return "rolled_back";
  }
  const goesOn = OPEN.has(row.state);
  if (letter === "f" && goesOn && row.cause === "backoff") return "retrying";
  const isHeld = row.cause !== null && row.cause !== "running";
  if (letter === "r" && isHeld && row.cause !== "recovering") return "waiting";
  if ((letter === "." || letter === "p") && goesOn && row.state !== "pending" && stage === current(row)) {
    return isHeld ? "waiting" : "running";
  }
  return LETTERS[letter] ?? "pending";
}

/** The stage that an execution is at: the first that is not done, or -1. */
export function current(row: Row): number {
  for (let at = 0; at < row.cells.length; at += 1) {
    if (!"skf-c".includes(row.cells[at] ?? "-")) return at;
  }
  return -1;
}

/** Where a row stands among those that somebody should look at. */
function gravity(row: Row): number {
  if (row.state === "failed") return 0;
  if (row.cells.includes("f")) return 1;
  if (row.state === "cancelled" || row.leaving !== null) return 2;
  return 3;
}

/** The places of the rows that are shown, in the order that is wanted. */
export function arrange(rows: readonly Row[], sort: Sort, find: string, state: string): Int32Array {
  const wanted = find.trim().toLocaleLowerCase();
  const places: number[] = [];
  for (const [at, row] of rows.entries()) {
    if (wanted !== "" && !(row.entity ?? "").toLocaleLowerCase().includes(wanted)) continue;
    if (state !== "" && !isLike(row, state)) continue;
    places.push(at);
  }
  const of = (at: number): Row => rows[at] as Row;
  const by: Record<Sort, ((left: number, right: number) => number) | null> = {
    launched: null,
    slowest: (left, right) => of(right).micros - of(left).micros || left - right,
    failed: (left, right) => gravity(of(left)) - gravity(of(right)) || left - right,
    blocked: (left, right) =>
      Number(isBlocked(of(right))) - Number(isBlocked(of(left))) ||
      (of(left).since ?? "~").localeCompare(of(right).since ?? "~") ||
      left - right,
    name: (left, right) => (of(left).entity ?? "").localeCompare(of(right).entity ?? "") || left - right,
  };
  const compare = by[sort];
  if (compare !== null) places.sort(compare);
  return Int32Array.from(places);
}

function isLike(row: Row, state: string): boolean {
  if (state === "blocked") return isBlocked(row);
  if (state === "open") return isOpen(row);
  return row.state === state;
}

/** How many rows are in which state. */
export function tally(rows: readonly Row[]): Map<string, number> {
  const counted = new Map<string, number>();
  for (const row of rows) {
    const state = row.leaving ?? (isBlocked(row) ? "blocked" : row.state);
    counted.set(state, (counted.get(state) ?? 0) + 1);
  }
  return counted;
}

function put(cells: string, at: number, letter: string): string {
  return cells.slice(0, at) + letter + cells.slice(at + 1);
}

/** Lets rows follow an event, as far as it tells; what it does not tell is read again soon. Gives the place of the row, or -1. */
export function apply(rows: Row[], places: ReadonlyMap<number, number>, stages: readonly string[], event: LiveEvent): number {
  if (event.event !== "started" && event.event !== "step" && event.event !== "settled") return -1;
  const at = places.get(event.execution) ?? -1;
  const row = rows[at];
  if (row === undefined) return -1;
  if (event.event === "started") {
    if (event.run > row.run) {
      row.cells = row.cells.replace(/[^-]/g, ".");
      row.run = event.run;
      row.error = null;
    }
    row.state = "running";
    row.cause = "running";
    row.about = null;
    row.since = event.at;
  } else if (event.event === "settled") {
    row.state = event.state;
    row.cause = null;
    row.about = null;
    row.since = null;
    row.leaving = null;
    if (event.state === "succeeded") row.cells = row.cells.replace(/[.prwi]/g, "s");
    else row.cells = row.cells.replace(/[rw]/g, event.state === "failed" ? "f" : "c");
  } else {
    stepped(row, stages.indexOf(event.step.split("/")[0] ?? ""), event.state, event.at);
  }
  return at;
}

function stepped(row: Row, stage: number, state: string, at: string): void {
  if (stage < 0 || row.cells[stage] === "-") return;
  if (state === "failed") {
    row.cells = put(row.cells, stage, "f");
    row.cause = "backoff";
    row.since = at;
    return;
  }
  // A step of a later stage begins only when those before it are done.
  for (let before = 0; before < stage; before += 1) {
    if ("prw.".includes(row.cells[before] ?? "-")) row.cells = put(row.cells, before, "s");
  }
  if (state === "succeeded" || state === "skipped") {
    if (row.cells[stage] !== "s" && row.cells[stage] !== "k") row.cells = put(row.cells, stage, "p");
    if (row.cause === "backoff") row.cause = "running";
  } else if (state === "cancelled" || state === "interrupted") {
    row.cells = put(row.cells, stage, state === "cancelled" ? "c" : "i");
  }
}
