// Which events a view cares for.
import type { LiveEvent } from "./events.ts";

/** Whether an event is about a process or an execution; for `useRead`. */
export function listenedTo(of: { process?: number; execution?: number }): (event: LiveEvent) => boolean {
  return (event) => {
    if (event.event === "stale") return true;
    if (of.execution !== undefined) return "execution" in event && event.execution === of.execution;
    return "process" in event && event.process === of.process;
  };
}
