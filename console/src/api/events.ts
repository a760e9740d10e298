// The live events: one stream for the whole page, whoever listens. It goes on where it was after a break, and says `stale` when that is
// not possible, upon which listeners read again what they show. A page that nobody sees has no stream: browsers allow a server few
// connections, and several tabs of the console are common.
import { effect, signal } from "@preact/signals";
import type { components } from "./schema.d.ts";
import { Parser, type Sent } from "./sse.ts";
import { credentials, locked, session } from "./token.ts";

type Tally = components["schemas"]["Tally"];

/** What can be heard: `docs/reference/api.md` has the table. `stale` is ours: something was missed. */
export type LiveEvent =
  | { event: "process"; process: number; state: string; entities: Tally; at: string }
  | { event: "started"; process: number; execution: number; run: number; entity: string | null; at: string }
  | { event: "step"; process: number; execution: number; step: string; attempt: number; state: string; error: string | null; at: string }
  | { event: "settled"; process: number; execution: number; entity: string | null; state: string; at: string }
  | { event: "lanes"; process: number; from: number; to: number; reason: string; detail: string; at: string }
  | { event: "alert"; rail: string; process: number | null; pipeline: string; message: string; at: string }
  | { event: "stale" };

type Listener = { hear: (event: LiveEvent) => void; process: number | null };

/** How the stream is: not wanted, being opened, alive, or away with another try to come. */
export const stream = signal<"off" | "opening" | "live" | "away">("off");

const listeners = new Set<Listener>();
/** What the open stream is about: one process, everything (`null`), or there is none. */
let open: { about: number | null; abort: AbortController } | null = null;
let position: string | null = null;
let tries = 0;
let again: ReturnType<typeof setTimeout> | undefined;

/** Hears events until the returned function is called. With `process`, only what is about it or about all. */
export function listen(hear: (event: LiveEvent) => void, process: number | null = null): () => void {
  const listener = { hear, process };
  listeners.add(listener);
  queueMicrotask(settle);
  return () => {
    listeners.delete(listener);
    queueMicrotask(settle);
  };
}

/** What has to be listened to: one process if all want the same, everything else. */
function wanted(): { about: number | null } | null {
  if (listeners.size === 0 || document.hidden || locked.value !== null) return null;
  const abouts = new Set([...listeners].map((listener) => listener.process));
  const [only] = abouts;
  return { about: abouts.size === 1 && only !== undefined ? only : null };
}

/** Brings the stream to what is wanted. */
function settle(): void {
  const want = wanted();
  if (want !== null && open !== null && open.about === want.about) return;
  if (open === null && want === null) return;
  stop();
  if (want === null) stream.value = "off";
  else void begin(want.about);
}

function stop(): void {
  clearTimeout(again);
  open?.abort.abort();
  open = null;
}

async function begin(about: number | null): Promise<void> {
  const mine = { about, abort: new AbortController() };
  open = mine;
  stream.value = "opening";
  const asked = about === null ? "" : `?process=${about}`;
  const last: Record<string, string> = position === null ? {} : { "last-event-id": position };
  try {
    const response = await fetch(`/api/v1/events${asked}`, {
      headers: { accept: "text/event-stream", ...credentials(), ...last },
      signal: mine.abort.signal,
      cache: "no-store",
    });
    if (response.status === 401) locked.value ??= { code: null };
    if (!response.ok || response.body === null) throw new Error(response.statusText);
    await follow(response.body);
  } catch {
    // Why it ended does not matter: it is tried again, as long as it is wanted.
  }
  if (open !== mine) return;
  open = null;
  stream.value = "away";
  const pause = Math.min(15_000, 500 * 2 ** tries) * (0.75 + Math.random() / 2);
  tries += 1;
  again = setTimeout(settle, pause);
}

async function follow(body: ReadableStream<Uint8Array>): Promise<void> {
  const parser = new Parser();
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const sent of parser.push(value)) take(sent);
  }
}

function take(sent: Sent): void {
  if (sent.id !== null) position = sent.id;
  const told = JSON.parse(sent.data) as LiveEvent & { resumed?: boolean };
  switch (sent.event) {
    case "hello":
      tries = 0;
      stream.value = "live";
      // What happened before this stream, and after what is shown was read, is told by the ring only where it goes on.
      if (told.resumed !== true) tell({ event: "stale" });
      break;
    case "resync":
    case "lost":
      tell({ event: "stale" });
      break;
    default:
      tell(told);
  }
}

function tell(event: LiveEvent): void {
  const about = "process" in event ? event.process : null;
  for (const listener of [...listeners]) {
    if (listener.process === null || about === null || listener.process === about) listener.hear(event);
  }
}

document.addEventListener("visibilitychange", settle);
effect(() => {
  // Another token is another listener: its stream begins anew.
  session.value;
  if (open !== null) {
    stop();
    queueMicrotask(settle);
  }
});
effect(() => {
  locked.value;
  queueMicrotask(settle);
});
