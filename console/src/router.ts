// Where we are: a path and what is asked of it. Every view is an address that holds its filters, so that it can be sent to somebody.
import { computed, signal } from "@preact/signals";

const here = signal(new URL(window.location.href));

/** The path that is shown. */
export const path = computed(() => here.value.pathname);
/** What is asked of it. */
export const query = computed(() => here.value.searchParams);

/** Goes to an address of ours. */
export function go(to: string, how: "push" | "replace" = "push"): void {
  const url = new URL(to, here.value);
  if (url.href === here.value.href) return;
  history[how === "push" ? "pushState" : "replaceState"](null, "", url);
  const moved = url.pathname !== here.value.pathname;
  here.value = url;
  if (moved && how === "push") {
    window.scrollTo(0, 0);
    queueMicrotask(() => document.getElementById("content")?.focus({ preventScroll: true }));
  }
}

/** Sets filters of the view that is shown; `null` and the empty text take one away. It is no step that "back" goes. */
export function ask(values: Record<string, string | number | null>, how: "push" | "replace" = "replace"): void {
  const url = new URL(here.value);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, String(value));
  }
  go(url.href, how);
}

/** The values of `:name` in a pattern, or `null` when a path is not like it. */
export function match(pattern: string, of: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const given = of.replace(/(.)\/$/, "$1").split("/");
  if (wanted.length !== given.length) return null;
  const names: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (!part.startsWith(":")) {
      if (part !== value) return null;
      continue;
    }
    try {
      names[part.slice(1)] = decodeURIComponent(value);
    } catch {
      return null;
    }
  }
  return names;
}

window.addEventListener("popstate", () => {
  here.value = new URL(window.location.href);
});

// Links are links: only a plain click on one of ours stays in this page.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || link.target !== "" || link.origin !== window.location.origin || link.hasAttribute("download")) return;
  if (link.pathname.startsWith("/api/") || link.hash !== "") return;
  event.preventDefault();
  go(link.href);
});
