// How many used a resource and how many waited for it, over the time of a process; who that was at one moment; and who held others up.
// Pure: made of lanes as they were read.
import { microsOf, type Swimlanes } from "../timeline/layout.ts";

type Lane = Swimlanes["lanes"][number];

/** Somebody who used something, or waited for it, from then till then: microseconds since the launch. */
export interface Use {
  execution: number;
  entity: string | null;
  step: string;
  from: number;
  until: number;
}

export interface Uses {
  holds: Use[];
  waits: Use[];
}

/** Causes that are about a resource, a target or a table; others are about a signal, a question, a time. */
const SHARED = ["slot", "pool", "rate", "breaker", "lock"];

/** Uses by resource. `start` and `now` are microseconds since 1970. */
export function usesOf(lanes: readonly Lane[], start: number, now: number): Map<string, Uses> {
  const found = new Map<string, Uses>();
  const of = (name: string): Uses => {
    const known = found.get(name) ?? { holds: [], waits: [] };
    found.set(name, known);
    return known;
  };
  for (const lane of lanes) {
    const who = { execution: lane.execution, entity: lane.entity ?? null };
    for (const step of lane.steps) {
      const from = microsOf(step.began) - start;
      const until = (step.ended == null ? now : microsOf(step.ended)) - start;
      for (const name of step.resources) of(name).holds.push({ ...who, step: `${step.stage}/${step.step}`, from, until });
    }
    for (const wait of lane.waits) {
      if (wait.about == null || !SHARED.includes(wait.cause)) continue;
      const from = microsOf(wait.began) - start;
      of(wait.about).waits.push({ ...who, step: wait.step ?? "", from, until: from + wait.micros });
    }
    const { cause } = lane;
    // Waits for locks are told while they go on.
    if (cause?.about != null && SHARED.includes(cause.kind) && cause.kind !== "lock") {
      of(cause.about).waits.push({ ...who, step: "", from: microsOf(cause.since) - start, until: now - start });
    }
  }
  return found;
}

/** Comings and goings in order of time. Who begins when another ends takes its place. */
function changesOf(uses: readonly Use[]): { at: number; by: number }[] {
  const changes = uses.flatMap((use) => [
    { at: use.from, by: 1 },
    { at: use.until, by: -1 },
  ]);
  return changes.sort((left, right) => left.at - right.at || left.by - right.by);
}

/** How many at once, the most of each of so many equal parts from 0 to `end`. */
export function curve(uses: readonly Use[], end: number, points: number): number[] {
  const width = end / points;
  const changes = changesOf(uses);
  const most = new Array<number>(points).fill(0);
  let number = 0;
  let next = 0;
  for (let part = 0; part < points; part += 1) {
    let peak = number;
    const until = (part + 1) * width;
    for (let change = changes[next]; change !== undefined && change.at < until; change = changes[next]) {
      number += change.by;
      peak = Math.max(peak, number);
      next += 1;
    }
    most[part] = peak;
  }
  return most;
}

/** The most at once, and the middle of the longest time in which it was so many. */
export function busiest(uses: readonly Use[]): { number: number; at: number } {
  let best = { number: 0, at: 0, length: 0 };
  let number = 0;
  let before = 0;
  for (const change of changesOf(uses)) {
    const length = change.at - before;
    if (length > 0 && (number > best.number || (number === best.number && length > best.length))) {
      best = { number, at: before + length / 2, length };
    }
    number += change.by;
    before = change.at;
  }
  return best;
}

/** When the last of all uses ends. */
export function lastOf(uses: Iterable<Uses>): number {
  let last = 0;
  for (const { holds, waits } of uses) for (const use of [...holds, ...waits]) last = Math.max(last, use.until);
  return last;
}

/** Who it was at a moment. */
export function during(uses: readonly Use[], at: number): Use[] {
  return uses.filter((use) => use.from <= at && use.until > at);
}

export interface Blocker {
  execution: number;
  entity: string | null;
  about: string;
  times: number;
  micros: number;
}

/** Who held what others waited for, most first. A wait is charged to whom it ended with. */
export function blockersOf(lanes: readonly Lane[]): Blocker[] {
  const names = new Map(lanes.map((lane) => [lane.execution, lane.entity ?? null]));
  const found = new Map<string, Blocker>();
  for (const lane of lanes) {
    for (const wait of lane.waits) {
      if (wait.holder == null) continue;
      const about = wait.about ?? wait.cause;
      const key = `${wait.holder} ${about}`;
      const known = found.get(key) ?? { execution: wait.holder, entity: names.get(wait.holder) ?? null, about, times: 0, micros: 0 };
      known.times += 1;
      known.micros += wait.micros;
      found.set(key, known);
    }
  }
  return [...found.values()].sort((left, right) => right.micros - left.micros);
}
