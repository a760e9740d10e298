// What the server answers when it does not do what was asked: a code, what is wrong, and what would be right.
import type { components } from "./schema.d.ts";

export type ProblemShape = components["schemas"]["Problem"];

/** A request that failed, by the server's word or because the server did not answer. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string | null,
    readonly detail: string,
    readonly help: string | null = null,
    readonly findings: NonNullable<ProblemShape["findings"]> = [],
  ) {
    super(detail);
  }

  /** Whether nobody answered at all. */
  get isAway(): boolean {
    return this.status === 0;
  }
}

/** What a failed answer says, whoever wrote it: a proxy's page has a status only. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => "");
  try {
    const told = JSON.parse(text) as Partial<ProblemShape>;
    if (typeof told.detail === "string") {
      return new Problem(response.status, told.code ?? null, told.detail, told.help ?? null, told.findings ?? []);
    }
  } catch {
    // It is no JSON; the status has to do.
  }
  return new Problem(response.status, null, response.statusText || `HTTP ${response.status}`);
}
