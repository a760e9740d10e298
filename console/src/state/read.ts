// What a screen shows of the server: read once, kept while it is read again, and read again when an event says that it may have changed.
import { useEffect, useRef, useState } from "preact/hooks";
import { address, get, type GetPath, type Got, type Values } from "../api/client.ts";
import { listen, type LiveEvent } from "../api/events.ts";
import { Problem } from "../api/problem.ts";
import { locked, session } from "../api/token.ts";

/** What was read: the data stay while they are read again, and a problem stands beside them. */
export interface Read<Data> {
  data: Data | null;
  problem: Problem | null;
  loading: boolean;
  again: () => void;
}

export interface Asking {
  names?: Values;
  query?: Values;
  /** Events after which it is read again, at most once every `pace` milliseconds. Something missed always is one. */
  on?: (event: LiveEvent) => boolean;
  /** The process that is shown, if it is one: nothing else is listened to then. */
  process?: number | null;
  /** 1,000 by default. */
  pace?: number;
}

/** Reads `path`, or nothing as long as it is `null`. */
export function useRead<Path extends GetPath>(path: Path | null, asking: Asking = {}): Read<Got<Path>> {
  const [kept, keep] = useState<{ of: string; base: string; data: Got<Path> | null; problem: Problem | null; loading: boolean }>({
    of: "",
    base: "",
    data: null,
    problem: null,
    loading: true,
  });
  const url = path === null ? "" : address(path, asking.names, asking.query);
  const key = `${session.value} ${url}`;
  // With another filter it is the same thing that is looked at: what is there stays until the other is.
  const base = path === null ? "" : `${session.value} ${address(path, asking.names)}`;
  const again = useRef<() => void>(() => {});
  const on = useRef(asking.on);
  on.current = asking.on;

  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    let reading = false;
    let wanted = false;
    let next: ReturnType<typeof setTimeout> | undefined;
    const pace = asking.pace ?? 1_000;

    const read = async (): Promise<void> => {
      if (reading || next !== undefined) {
        wanted = true;
        return;
      }
      reading = true;
      wanted = false;
      try {
        const data = await get(path, asking.names, asking.query, abort.signal);
        keep({ of: key, base, data, problem: null, loading: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Problem)) throw error;
        if (locked.value === null) {
          keep((was) => ({ of: key, base, data: was.of === key ? was.data : null, problem: error, loading: false }));
        }
      }
      reading = false;
      next = setTimeout(() => {
        next = undefined;
        if (wanted) void read();
      }, pace);
    };
    again.current = () => {
      clearTimeout(next);
      next = undefined;
      void read();
    };
    void read();
    const asked = on.current !== undefined;
    const deaf = asked
      ? listen((event) => {
          if (event.event === "stale" || on.current?.(event)) void read();
        }, asking.process ?? null)
      : () => {};
    return () => {
      abort.abort();
      clearTimeout(next);
      deaf();
    };
    // The address and the session say all that is asked.
  }, [key]);

  const isCurrent = kept.of === key;
  return {
    data: kept.base === base ? kept.data : null,
    problem: isCurrent ? kept.problem : null,
    loading: isCurrent ? kept.loading : true,
    again: () => again.current(),
  };
}
