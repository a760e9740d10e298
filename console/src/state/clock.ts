// The time of day, for what is told as "12 s ago": it moves once a second while somebody looks.
import { signal } from "@preact/signals";

export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);
