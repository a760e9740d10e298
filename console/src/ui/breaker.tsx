// A breaker's state: its shape in its tone, its name, and whether a person holds it there.
import type { components } from "../api/schema.d.ts";
import { dictionary } from "../text/language.ts";

type BreakerShape = components["schemas"]["Breaker"];

const words = dictionary({
  en: {
    closed: "closed",
    open: "open",
    half_open: "trying",
    forced: "held by hand",
  },
  es: {
    closed: "cerrado",
    open: "abierto",
    half_open: "probando",
    forced: "fijado a mano",
  },
});

/** Closed lets through, open has a gap, half open has one that is nearly shut. */
const LOOKS: Record<string, { tone: string; path: string }> = {
  closed: { tone: "good", path: "M1 7.5h10" },
  open: { tone: "bad", path: "M1 7.5h2.5L8 2.4M8.8 7.5H11" },
  half_open: { tone: "wait", path: "M1 7.5h2.5L8.6 5.2M8.8 7.5H11" },
};

export function breakerName(state: string): string {
  const told = words() as Record<string, string>;
  return told[state] ?? state.replaceAll("_", " ");
}

/** Shape and name. */
export function BreakerState({ breaker }: { breaker: BreakerShape }) {
  const look = LOOKS[breaker.state] ?? { tone: "quiet", path: "M2 6h8" };
  return (
    <span class="state" data-state={breaker.state}>
      <svg class={`shape tone-${look.tone}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d={look.path} />
      </svg>
      {breakerName(breaker.state)}
      {breaker.forced && <span class="tag">{words().forced}</span>}
    </span>
  );
}
