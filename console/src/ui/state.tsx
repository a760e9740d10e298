// A state as people see it: its shape in its tone, and its name.
import { stateName } from "../text/states.ts";
import { mark } from "./mark.ts";

/** The shape alone. Where no name stands beside it, say one. */
export function Shape({ state, name }: { state: string; name?: string }) {
  const look = mark(state);
  const named = name === undefined ? { "aria-hidden": true } : { role: "img" as const, "aria-label": name };
  return (
    <svg class={`shape tone-${look.tone}${look.fill ? " is-full" : ""}`} viewBox="0 0 12 12" width="12" height="12" {...named}>
      <path d={look.path} />
    </svg>
  );
}

/** Shape and name. */
export function State({ state }: { state: string }) {
  return (
    <span class="state" data-state={state}>
      <Shape state={state} />
      {stateName(state)}
    </span>
  );
}

interface Standing {
  state: string;
  cancelling: boolean;
  rolling_back?: boolean;
}

/** What a process or an execution is at, its going back and stopping included. */
export function standing(of: Standing): string {
  if (of.rolling_back === true) return "rolling_back";
  const isOpen = ["pending", "running", "waiting", "paused", "launching"].includes(of.state);
  return of.cancelling && isOpen ? "cancelling" : of.state;
}
