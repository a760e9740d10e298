// Colours for what has a name of its own: a resource, a stage, a cause. The same name always has the same one, and as there are few
// colours for many names, no picture depends on them alone.

/** How many there are: `--hue-0` and on, in `style/trace.css`. */
export const HUES = 8;

/** The number of a name's colour. */
export function hue(name: string): number {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return sum % HUES;
}

/** The variable of a name's colour. */
export function hueOf(name: string): string {
  return `var(--hue-${hue(name)})`;
}
