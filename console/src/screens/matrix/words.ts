// How the matrix is told in words: beside its rows, and of the cell under the cursor for who does not see it.
import { now } from "../../state/clock.ts";
import { causeName, stateName } from "../../text/states.ts";
import { between, span } from "../../ui/format.ts";
import { isOpen, type Row } from "./rows.ts";

/** What an execution is at: "slot geneva 12.4 s", or how it ended and how long it took. */
export function told(row: Row): string {
  if (row.leaving !== null) return stateName(row.leaving);
  if (isOpen(row) && row.state !== "pending" && row.cause !== null && row.cause !== "running") {
    const about = row.about === null ? "" : ` ${row.about}`;
    const since = row.since === null ? "" : ` · ${span(between(row.since, now.peek()))}`;
    return `${causeName(row.cause)}${about}${since}`;
  }
  const took = row.micros > 0 && !isOpen(row) ? ` · ${span(row.micros)}` : "";
  const error = row.error === null || isOpen(row) ? "" : ` · ${row.error}`;
  return `${stateName(row.state)}${error}${took}`;
}
