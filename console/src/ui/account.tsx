// A time account: one bar that adds up to the whole, and below it every part with its name, its time and its share. Work is solid,
// waiting is hatched.
import type { components } from "../api/schema.d.ts";
import { dictionary } from "../text/language.ts";
import { causeName } from "../text/states.ts";
import { count, span } from "./format.ts";
import { hueOf } from "./hue.ts";

type Account = components["schemas"]["Account"];

const words = dictionary({
  en: { name: "Where its time went", whole: "whole" },
  es: { name: "Adónde se fue su tiempo", whole: "total" },
});

export function AccountBar({ account }: { account: Account }) {
  const parts = Object.entries(account.micros)
    .filter(([, micros]) => micros > 0)
    .sort(([leftName, left], [rightName, right]) => Number(rightName === "running") - Number(leftName === "running") || right - left);
  const total = parts.reduce((sum, [, micros]) => sum + micros, 0);
  if (total === 0) return null;
  const share = (micros: number): number => (100 * micros) / total;
  return (
    <section class="account" aria-label={words().name}>
      <h2>{words().name}</h2>
      <span class="account-bar" aria-hidden="true">
        {parts.map(([cause, micros]) => (
          <span
            class={cause === "running" ? "account-part is-work" : "account-part"}
            title={`${causeName(cause)} ${span(micros)}`}
            style={{ flexGrow: micros / total, "--hue": hueOf(cause) }}
          />
        ))}
      </span>
      <ul class="account-legend">
        {parts.map(([cause, micros]) => (
          <li>
            <span class={cause === "running" ? "swatch is-work" : "swatch"} style={{ "--hue": hueOf(cause) }} aria-hidden="true" />
            {causeName(cause)} <strong>{span(micros)}</strong> <span class="faint">{count(Math.round(share(micros)))} %</span>
          </li>
        ))}
        <li>
          {words().whole} <strong>{span(total)}</strong>
        </li>
      </ul>
    </section>
  );
}
