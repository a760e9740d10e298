// Numbers, times and spans, in the language that is shown. Spans come as microseconds, times as RFC 3339.
import { computed } from "@preact/signals";
import { language } from "../text/language.ts";

const numbers = computed(() => new Intl.NumberFormat(language.value));
const tenths = computed(() => new Intl.NumberFormat(language.value, { minimumFractionDigits: 1, maximumFractionDigits: 1 }));
const clocks = computed(() => new Intl.DateTimeFormat(language.value, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }));
const days = computed(() => new Intl.DateTimeFormat(language.value, { day: "2-digit", month: "short" }));
const wholes = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "long" }));

/** 12,345 */
export function count(value: number): string {
  return numbers.value.format(value);
}

/** A span as people say it: 850 ms, 12.4 s, 3 min 05 s, 2 h 04 min, 3 d 04 h. */
export function span(micros: number): string {
  const millis = Math.max(0, micros) / 1_000;
  if (millis < 1) return millis === 0 ? "0 ms" : `${Math.round(millis * 1_000)} µs`;
  if (millis < 999.5) return `${Math.round(millis)} ms`;
  const seconds = millis / 1_000;
  if (seconds < 59.95) return `${tenths.value.format(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** Microseconds between a time and another, 0 when they are the wrong way round. */
export function between(from: string, to: string | number): number {
  const end = typeof to === "number" ? to : Date.parse(to);
  return Math.max(0, end - Date.parse(from)) * 1_000;
}

/** 14:03:22 today, 3 Nov 14:03:22 before. */
export function moment(at: string, now: number): string {
  const date = new Date(at);
  const clock = clocks.value.format(date);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? clock : `${days.value.format(date)} ${clock}`;
}

/** All of a time, for a title. */
export function whole(at: string): string {
  return wholes.value.format(new Date(at));
}

/** What shells take for one word. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
