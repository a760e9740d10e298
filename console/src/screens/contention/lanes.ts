// All lanes of a process, page after page, read again while it runs. A curve of half of them would be wrong.
import { useEffect, useState } from "preact/hooks";
import { listenedTo } from "../../api/about.ts";
import { get } from "../../api/client.ts";
import { listen } from "../../api/events.ts";
import { Problem } from "../../api/problem.ts";
import { session } from "../../api/token.ts";
import type { Read } from "../../state/read.ts";
import type { Swimlanes } from "../timeline/layout.ts";

/** What the server gives at most in one go. */
const PAGE = 500;
/** Pages that are read: more would not be drawn in a useful time. */
export const LANES_MAX = 10 * PAGE;
/** How long after it was read it is read again, if something happened. */
const PACE = 4_000;

/** The lanes, at most {@link LANES_MAX}; `next` then says that there are more. */
export function useLanes(id: number): Read<Swimlanes> {
  const [kept, keep] = useState<{ data: Swimlanes | null; problem: Problem | null; loading: boolean }>({
    data: null,
    problem: null,
    loading: true,
  });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    let wanted = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isReading = false;
    const read = async (): Promise<void> => {
      if (isReading || timer !== undefined) {
        wanted = true;
        return;
      }
      isReading = true;
      wanted = false;
      try {
        const data = await all(id, abort.signal);
        keep({ data, problem: null, loading: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Problem)) throw error;
        keep((was) => ({ data: was.data, problem: error, loading: false }));
      }
      isReading = false;
      timer = setTimeout(() => {
        timer = undefined;
        if (wanted) void read();
      }, PACE);
    };
    void read();
    const isWanted = listenedTo({ process: id });
    const deaf = listen((event) => isWanted(event) && void read(), id);
    return () => {
      abort.abort();
      clearTimeout(timer);
      deaf();
    };
  }, [id, round, session.value]);
  return { ...kept, again: () => setRound(round + 1) };
}

async function all(id: number, abort: AbortSignal): Promise<Swimlanes> {
  const first = await get("/api/v1/processes/{id}/swimlanes", { id }, { limit: PAGE }, abort);
  const lanes = [...first.lanes];
  let last = first;
  while (last.next != null && lanes.length < LANES_MAX) {
    last = await get("/api/v1/processes/{id}/swimlanes", { id }, { limit: PAGE, after: last.next }, abort);
    lanes.push(...last.lanes);
  }
  return { ...last, lanes };
}
