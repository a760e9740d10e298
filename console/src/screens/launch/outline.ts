// A pipeline as the server outlines it. The API describes it as an object, as `carril plan --json` does; these are the parts used here.

export interface Parameter {
  kind: "text" | "integer" | "number" | "boolean" | "date";
  default: unknown;
  description: string | null;
}

export interface Stage {
  name: string;
  parallel: boolean;
  when: string | null;
  steps: { name: string; kind: string }[];
}

export interface Outline {
  name: string;
  description: string | null;
  version: string;
  lanes: number;
  lanes_auto: boolean;
  priority: number;
  segments: { per: "entity" | "process"; stages: Stage[] }[];
  params: Record<string, Parameter>;
}

/** Keys that somebody typed or pasted: one a line, or with commas, tabs or semicolons between them; each once. */
export function keysOf(text: string): string[] {
  const keys = text.split(/[\n\r,;\t]+/).map((key) => key.trim());
  return [...new Set(keys.filter((key) => key !== ""))];
}
