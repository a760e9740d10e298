// How states look: a shape and a tone each, so that nobody needs colours to tell them apart. Chips draw them as SVG, the matrix on its
// canvas, from the same paths in a box of 12 by 12.

/** A state's look. `fill` draws the path's inside, else its line. */
export interface Mark {
  tone: "quiet" | "run" | "wait" | "good" | "bad" | "warn" | "undo";
  path: string;
  fill: boolean;
}

const RING = "M6 2.2a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6z";
const UNDO = "M2.5 5.5h4.8a2.2 2.2 0 0 1 0 4.4h-2M4.8 3L2.3 5.5L4.8 8";

const MARKS: Record<string, Mark> = {
  pending: { tone: "quiet", path: RING, fill: false },
  launching: { tone: "quiet", path: RING, fill: false },
  running: { tone: "run", path: "M3.2 1.8L10.2 6L3.2 10.2z", fill: true },
  waiting: { tone: "wait", path: "M2.6 1.8h6.8L6 6L9.4 10.2H2.6L6 6z", fill: true },
  retrying: { tone: "wait", path: "M9.6 6a3.6 3.6 0 1 1-1.1-2.6M9.8 1.6v2.4H7.4", fill: false },
  paused: { tone: "wait", path: "M3 2h2.2v8H3zM6.8 2H9v8H6.8z", fill: true },
  succeeded: { tone: "good", path: "M2 6.4L4.8 9.2L10 3.2", fill: false },
  completed_with_errors: { tone: "warn", path: "M6 1.5L11 10.3H1zM6 4.6v2.6M6 8.7v.2", fill: false },
  failed: { tone: "bad", path: "M2.8 2.8L9.2 9.2M9.2 2.8L2.8 9.2", fill: false },
  skipped: { tone: "quiet", path: "M2.5 6h7", fill: false },
  cancelled: { tone: "quiet", path: `${RING}M3.4 8.6L8.6 3.4`, fill: false },
  cancelling: { tone: "warn", path: "M3 3h6v6H3z", fill: true },
  interrupted: { tone: "warn", path: "M6.8 1.5L3.4 6.6H6L5.2 10.5L8.8 5.2H6.2z", fill: true },
  rolling_back: { tone: "undo", path: UNDO, fill: false },
  rolled_back: { tone: "undo", path: `${UNDO}M9.8 2.2v0`, fill: false },
};

const UNKNOWN: Mark = { tone: "quiet", path: "M4.2 4.4a1.9 1.9 0 1 1 2.6 1.8c-.6.3-.8.6-.8 1.2M6 9.3v.2", fill: false };

/** How a state looks; one that we do not know has a question mark. */
export function mark(state: string): Mark {
  return MARKS[state] ?? UNKNOWN;
}
