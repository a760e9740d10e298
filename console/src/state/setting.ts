// What somebody likes, kept by the browser: theme and language.
import { effect, signal, type Signal } from "@preact/signals";

/** A setting with its allowed values; the first is the default. */
export function setting<Value extends string>(name: string, values: readonly [Value, ...Value[]]): Signal<Value> {
  const key = `carril.${name}`;
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(key);
  } catch {
    // A browser may keep nothing; then nothing is remembered.
  }
  const value = signal<Value>(values.find((known) => known === kept) ?? values[0]);
  effect(() => {
    try {
      localStorage.setItem(key, value.value);
    } catch {
      // As above.
    }
  });
  return value;
}

/** How the page looks. */
export const theme = setting("theme", ["auto", "light", "dark"]);

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});
