// The languages. Each screen has a dictionary of its own beside it; both languages have the same keys, or it does not compile.
import { computed, effect } from "@preact/signals";
import { setting } from "../state/setting.ts";

export type Language = "en" | "es";

const chosen = setting("language", ["auto", "en", "es"]);

/** The language that is shown: the chosen one, else the browser's first that we have. */
export const language = computed<Language>(() => {
  if (chosen.value !== "auto") return chosen.value;
  const known = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag === "en" || tag === "es");
  return known === "es" ? "es" : "en";
});

export function speak(which: Language): void {
  chosen.value = which;
}

effect(() => {
  document.documentElement.lang = language.value;
});

/** The same words in another language: texts for texts, functions of the same values for functions. */
export type Words<Of> = {
  [Key in keyof Of]: Of[Key] extends (...values: infer Values) => string
    ? (...values: Values) => string
    : Of[Key] extends string
      ? string
      : Words<Of[Key]>;
};

/** A dictionary: call it for the words in the language that is shown. */
export function dictionary<English extends object>(both: { en: English; es: Words<English> }): () => Words<English> {
  return () => (language.value === "es" ? both.es : (both.en as Words<English>));
}
