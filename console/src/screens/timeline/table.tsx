// The lanes as text: the same as the picture, for who reads or listens.
import { stateName, causeName } from "../../text/states.ts";
import { common } from "../../text/common.ts";
import { span } from "../../ui/format.ts";
import { State } from "../../ui/state.tsx";
import { Table } from "../../ui/table.tsx";
import { executionWords } from "../execution.text.ts";
import { timelineWords } from "../timeline.text.ts";
import type { Row } from "./layout.ts";

export function LanesTable({ rows }: { rows: readonly Row[] }) {
  const words = timelineWords();
  return (
    <Table
      name={words.title}
      rows={rows}
      id={(row) => row.execution}
      columns={[
        { head: words.lane, cell: (row) => <a href={`/executions/${row.execution}`}>{row.entity ?? executionWords().itself}</a> },
        { head: common().state, cell: (row) => <State state={row.state} /> },
        { head: words.began, kind: "number", cell: (row) => span(row.began) },
        { head: words.spent, kind: "number", cell: (row) => span(row.length) },
        { head: words.waited, kind: "number", cell: (row) => span(row.waited) },
        { head: words.for, cell: (row) => <WaitedFor row={row} /> },
        {
          head: words.stageState,
          kind: "wide",
          cell: (row) =>
            row.pieces
              .filter((piece) => piece.kind === "stage")
              .map((piece) => `${piece.name} ${span(piece.until - piece.from)} (${stateName(piece.state)})`)
              .join(" → "),
        },
      ]}
    />
  );
}

/** What a lane waited for, most first. */
function WaitedFor({ row }: { row: Row }) {
  const sums = new Map<string, number>();
  for (const piece of row.pieces) {
    if (piece.kind !== "wait") continue;
    const name = `${causeName(piece.name)} ${piece.about ?? ""}`.trim();
    sums.set(name, (sums.get(name) ?? 0) + piece.until - piece.from);
  }
  const sorted = [...sums].sort(([, left], [, right]) => right - left);
  return <>{sorted.map(([name, micros]) => `${name} ${span(micros)}`).join(", ")}</>;
}
