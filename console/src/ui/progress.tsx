// How far a process is: one bar, a part per outcome, and the numbers beside it.
import type { components } from "../api/schema.d.ts";
import { stateName } from "../text/states.ts";
import { count } from "./format.ts";
import { Shape } from "./state.tsx";

type Tally = components["schemas"]["Tally"];

const PARTS = ["succeeded", "failed", "skipped", "cancelled", "rolled_back"] as const;

/** The bar alone. */
export function Bar({ tally }: { tally: Tally }) {
  const settled = PARTS.reduce((sum, part) => sum + tally[part], 0);
  const told = PARTS.filter((part) => tally[part] > 0).map((part) => `${count(tally[part])} ${stateName(part)}`);
  return (
    <span class="progress" role="img" aria-label={`${count(settled)} / ${count(tally.total)}. ${told.join(", ")}`}>
      {PARTS.map(
        (part) =>
          tally[part] > 0 && (
            <span
              class={`part part-${part}`}
              style={{ width: `${(100 * tally[part]) / Math.max(1, tally.total)}%`, minWidth: "3px" }}
            />
          ),
      )}
    </span>
  );
}

/** The numbers: what is not zero, each with its shape. */
export function Numbers({ tally }: { tally: Tally }) {
  return (
    <span class="numbers">
      {PARTS.map(
        (part) =>
          tally[part] > 0 && (
            <span title={stateName(part)}>
              <Shape state={part} name={stateName(part)} /> {count(tally[part])}
            </span>
          ),
      )}
      <span class="faint">/ {count(tally.total)}</span>
    </span>
  );
}
