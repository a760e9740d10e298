// The rows of a process, kept up to date: events move them at once, and what events do not tell is read again a little later.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../../api/client.ts";
import { listen } from "../../api/events.ts";
import { Problem } from "../../api/problem.ts";
import { locked, session } from "../../api/token.ts";
import { apply, rowsOf, type Matrix, type Row } from "./rows.ts";

/** What is known of a process. `version` rises when rows were read, `moved` hears each change of one at once. */
export interface Known {
  rows: Row[];
  stages: Matrix["stages"];
  version: number;
  problem: Problem | null;
  loading: boolean;
  again: () => void;
}

/** How long after an event everything is read again, at least: by so much longer as there is more to read. */
const PACE = 1_500;
const PACE_OF_ROW = 1;

export function useMatrix(process: string, moved: () => void): Known {
  const [known, know] = useState<Omit<Known, "again">>({ rows: [], stages: [], version: 0, problem: null, loading: true });
  const hear = useRef(moved);
  hear.current = moved;
  const again = useRef(() => {});
  const current = session.value;

  useEffect(() => {
    const abort = new AbortController();
    let rows: Row[] = [];
    let places = new Map<number, number>();
    let stages: string[] = [];
    let reading = false;
    let due: ReturnType<typeof setTimeout> | undefined;
    let wanted = false;

    const read = async (): Promise<void> => {
      clearTimeout(due);
      due = undefined;
      wanted = false;
      reading = true;
      try {
        const found = await readAll(process, abort.signal);
        rows = found.rows;
        places = new Map(rows.map((row, at) => [row.id, at]));
        stages = found.stages.map((stage) => stage.name);
        know((was) => ({ ...found, version: was.version + 1, problem: null, loading: false }));
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Problem)) throw error;
        if (locked.value === null) know((was) => ({ ...was, problem: error, loading: false }));
      }
      reading = false;
      if (wanted) later();
    };
    const later = (): void => {
      wanted = true;
      if (reading || due !== undefined) return;
      due = setTimeout(() => void read(), PACE + rows.length * PACE_OF_ROW);
    };
    again.current = () => {
      if (!reading) void read();
    };
    void read();
    const id = Number(process);
    const deaf = listen((event) => {
      if (event.event === "stale") {
        later();
        return;
      }
      if (!("process" in event) || event.process !== id) return;
      if (apply(rows, places, stages, event) >= 0) hear.current();
      later();
    }, id);
    return () => {
      abort.abort();
      clearTimeout(due);
      deaf();
    };
  }, [process, current]);

  return { ...known, again: () => again.current() };
}

async function readAll(process: string, signal: AbortSignal): Promise<{ rows: Row[]; stages: Matrix["stages"] }> {
  const rows: Row[] = [];
  let after: number | null = null;
  for (;;) {
    const page: Matrix = await get("/api/v1/processes/{id}/matrix", { id: process }, { after }, signal);
    for (const row of rowsOf(page)) rows.push(row);
    if (page.next == null) return { rows, stages: page.stages };
    after = page.next;
  }
}
