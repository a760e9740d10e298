// Who asks. A token that was typed in lives in this tab only and as long as it; where the server wants none, there is none.
import { computed, signal } from "@preact/signals";
import type { components } from "./schema.d.ts";

const KEY = "carril.token";

export type Role = "viewer" | "operator" | "admin";
const ROLES: readonly string[] = ["viewer", "operator", "admin"];

/** The token of this tab. */
export const token = signal<string | null>(sessionStorage.getItem(KEY));

/** Whether the server let nobody in last time: `code` says why. */
export const locked = signal<{ code: string | null } | null>(null);

/** Who the server says we are. */
export const who = signal<components["schemas"]["Who"] | null>(null);

/** Rises when we are somebody else: what was read is then read again. */
export const session = signal(0);

/** Takes a token, or forgets it. */
export function useToken(secret: string | null): void {
  token.value = secret;
  if (secret === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, secret);
  locked.value = null;
  who.value = null;
  session.value += 1;
}

/** The header that says who we are. */
export function credentials(): Record<string, string> {
  return token.value === null ? {} : { authorization: `Bearer ${token.value}` };
}

const rank = computed(() => ROLES.indexOf(who.value?.role ?? "viewer"));

/** Whether we may do what needs this role. The server decides; this only says which buttons make sense. */
export function may(role: Role): boolean {
  return rank.value >= ROLES.indexOf(role);
}
