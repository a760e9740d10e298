// Lanes as rows of pieces: what is drawn, and where, before anything is. Pure, so that picture, table and keyboard say the same. Times are
// microseconds since the process was launched, so that two processes can be laid over each other.
import type { Got } from "../../api/client.ts";
import type { components } from "../../api/schema.d.ts";

export type Swimlanes = Got<"/api/v1/processes/{id}/swimlanes">;
type LaneShape = components["schemas"]["Lane"];

/** Something that took time in a lane. */
export interface Piece {
  kind: "stage" | "step" | "wait" | "queue";
  from: number;
  until: number;
  /** A stage, `stage/step`, or the name of a cause. */
  name: string;
  /** How a stage or step ended, or `running`. */
  state: string;
  /** What a wait was for. */
  about: string | null;
  /** Who held that, and when they gave it up. */
  holder: number | null;
  releasedAt: number | null;
  blocker: string | null;
  /** Whether it goes on. */
  isOpen: boolean;
  /** Where it is drawn in its row: 0 is the row of stages. */
  track: number;
}

/** A lane. */
export interface Row {
  execution: number;
  entity: string | null;
  state: string;
  pieces: Piece[];
  /** Tracks when it is unfolded, that of stages included. */
  tracks: number;
  began: number;
  length: number;
  waited: number;
}

/** Microseconds since 1970. */
export function microsOf(at: string): number {
  const fraction = /\.(\d+)/.exec(at)?.[1] ?? "";
  return Date.parse(at.replace(/\.\d+/, "")) * 1_000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

const PLAIN = { about: null, holder: null, releasedAt: null, blocker: null, isOpen: false, track: 0 };

/** The rows of a page; what has not ended goes on until `now` (microseconds since 1970). */
export function rowsOf(page: Swimlanes, now: number): Row[] {
  const start = microsOf(page.from);
  return page.lanes.map((lane) => rowOf(lane, start, now - start));
}

function rowOf(lane: LaneShape, start: number, now: number): Row {
  const at = (time: string): number => microsOf(time) - start;
  const steps: Piece[] = lane.steps.map((step) => ({
    ...PLAIN,
    kind: "step",
    name: `${step.stage}/${step.step}`,
    state: step.state,
    from: at(step.began),
    until: step.ended == null ? now : at(step.ended),
    isOpen: step.ended == null,
  }));
  const waits: Piece[] = lane.waits.map((wait) => ({
    ...PLAIN,
    kind: "wait",
    name: wait.cause,
    state: "waiting",
    from: at(wait.began),
    until: at(wait.began) + wait.micros,
    about: wait.about ?? null,
    holder: wait.holder ?? null,
    releasedAt: wait.released_at == null ? null : at(wait.released_at),
    blocker: wait.blocker ?? null,
  }));
  const { cause } = lane;
  if (cause != null && cause.kind !== "running" && cause.kind !== "lock" && lane.started_at != null) {
    waits.push({ ...PLAIN, kind: "wait", name: cause.kind, state: "waiting", from: at(cause.since), until: now, about: cause.about ?? null, isOpen: true });
  }
  const tracks = pack([...steps, ...waits]);
  const queued = lane.started_at == null ? now : at(lane.started_at);
  const launched = at(lane.launched_at);
  const queue: Piece[] =
    queued > launched ? [{ ...PLAIN, kind: "queue", name: "queued", state: "waiting", from: launched, until: queued, isOpen: lane.started_at == null }] : [];
  const all = [...steps, ...waits];
  const began = Math.min(...all.map((piece) => piece.from), queued);
  const ended = Math.max(...all.map((piece) => piece.until), began);
  return {
    execution: lane.execution,
    entity: lane.entity ?? null,
    state: lane.rolling_back ? "rolling_back" : lane.state,
    pieces: [...queue, ...stagesOf(lane, steps), ...all],
    tracks: tracks + 1,
    began,
    length: ended - began,
    waited: waits.reduce((sum, wait) => sum + wait.until - wait.from, 0),
  };
}

/** From the first to the last of a stage's steps, run by run. */
function stagesOf(lane: LaneShape, steps: readonly Piece[]): Piece[] {
  const stages = new Map<string, Piece>();
  for (const [index, step] of lane.steps.entries()) {
    const piece = steps[index];
    if (piece === undefined) continue;
    const key = `${step.run} ${step.stage}`;
    const known = stages.get(key);
    if (known === undefined) {
      stages.set(key, { ...piece, kind: "stage", name: step.stage });
      continue;
    }
    known.from = Math.min(known.from, piece.from);
    known.until = Math.max(known.until, piece.until);
    known.isOpen ||= piece.isOpen;
    if (RANK.indexOf(piece.state) > RANK.indexOf(known.state)) known.state = piece.state;
  }
  return [...stages.values()];
}

/** What a stage is told as when its steps differ: the last of these. */
const RANK = ["skipped", "succeeded", "cancelled", "interrupted", "retrying", "failed", "waiting", "running"];

/** Puts pieces on as few tracks below the stages as hold them without overlap, and says how many. */
export function pack(pieces: Piece[]): number {
  const ends: number[] = [];
  const sorted = [...pieces].sort((left, right) => left.from - right.from || left.until - right.until);
  for (const piece of sorted) {
    const free = ends.findIndex((end) => end <= piece.from);
    const track = free === -1 ? ends.length : free;
    ends[track] = piece.until;
    piece.track = track + 1;
  }
  return ends.length;
}

export type Order = "launch" | "start" | "length" | "waiting";

/** Rows in an order; equal ones stay as they are. */
export function ordered(rows: readonly Row[], order: Order): Row[] {
  const sorted = [...rows];
  if (order === "start") sorted.sort((left, right) => left.began - right.began);
  if (order === "length") sorted.sort((left, right) => right.length - left.length);
  if (order === "waiting") sorted.sort((left, right) => right.waited - left.waited);
  return sorted;
}

/** A span of time that is shown. */
export interface View {
  from: number;
  until: number;
}

/** The least that is shown: a tenth of a millisecond. */
const LEAST = 100;

/** A view about a point, nearer or farther, within a whole. */
export function zoomed(view: View, at: number, factor: number, whole: View): View {
  const width = Math.min(whole.until - whole.from, Math.max(LEAST, (view.until - view.from) * factor));
  const share = (at - view.from) / (view.until - view.from);
  return within({ from: at - share * width, until: at + (1 - share) * width }, whole);
}

/** A view moved into a whole. */
export function within(view: View, whole: View): View {
  const width = Math.min(view.until - view.from, whole.until - whole.from);
  const from = Math.min(Math.max(view.from, whole.from), whole.until - width);
  return { from, until: from + width };
}

/** Steps of an axis from a quarter of a minute on. */
export const CLOCK = [15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400].map((seconds) => seconds * 1e6);

/** Round numbers for an axis, about so many. */
export function ticks(view: View, about: number): number[] {
  const raw = (view.until - view.from) / Math.max(1, about);
  const size = 10 ** Math.floor(Math.log10(Math.max(1, raw)));
  const steps = raw > 10e6 ? CLOCK : [size, 2 * size, 5 * size, 10 * size];
  const step = steps.find((one) => one >= raw) ?? raw;
  const found: number[] = [];
  for (let at = Math.ceil(view.from / step) * step; at <= view.until; at += step) found.push(at);
  return found;
}
