// Requests, with the types of the API's own description. One place knows addresses, tokens and problems.
import type { paths } from "./schema.d.ts";
import { Problem, problemOf } from "./problem.ts";
import { credentials, locked } from "./token.ts";

type Json<Responses> = {
  [Status in keyof Responses]: Status extends 200 | 201 | 202
    ? Responses[Status] extends { content: { "application/json": infer Body } }
      ? Body
      : never
    : never;
}[keyof Responses];

type Operation<Path extends keyof paths, Verb extends string> = Verb extends keyof paths[Path] ? paths[Path][Verb] : never;

/** Paths that can be read. */
export type GetPath = { [Path in keyof paths]: paths[Path] extends { get: unknown } ? Path : never }[keyof paths];
/** Paths that change something. */
export type PostPath = { [Path in keyof paths]: paths[Path] extends { post: unknown } ? Path : never }[keyof paths];
/** What a path answers to GET. */
export type Got<Path extends GetPath> = Operation<Path, "get"> extends { responses: infer All } ? Json<All> : never;
/** What a path answers to POST. */
export type Posted<Path extends PostPath> = Operation<Path, "post"> extends { responses: infer All } ? Json<All> : never;
/** What a path takes in the body of a POST. */
export type Body<Path extends PostPath> = Operation<Path, "post"> extends {
  requestBody?: { content: { "application/json": infer Taken } };
}
  ? Partial<Taken>
  : Record<string, never>;

export type Values = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** `/api/v1/processes/{id}?state=failed` of its parts; what is null, false or empty is left out. */
export function address(path: string, names: Values = {}, query: Values = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(names[name] ?? "")));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (one !== null && one !== undefined && one !== "" && one !== false) asked.append(name, String(one));
    }
  }
  const text = asked.toString();
  return text === "" ? filled : `${filled}?${text}`;
}

/** Sends a request as whoever we are. What is not answered well is thrown as a problem. */
export async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers: { ...credentials(), ...(init.headers as Record<string, string>) } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, null, "");
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401) locked.value = { code: problem.code };
  throw problem;
}

/** Reads. */
export async function get<Path extends GetPath>(
  path: Path,
  names: Values = {},
  query: Values = {},
  abort?: AbortSignal,
): Promise<Got<Path>> {
  const response = await send(address(path, names, query), abort ? { signal: abort } : {});
  return (await response.json()) as Got<Path>;
}

/** Changes something, or with `preview` in the query says what would change. */
export async function post<Path extends PostPath>(
  path: Path,
  names: Values = {},
  query: Values = {},
  body?: Body<Path>,
  headers: Record<string, string> = {},
): Promise<Posted<Path>> {
  const response = await send(address(path, names, query), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body ?? {}),
  });
  return (await response.json()) as Posted<Path>;
}
