// A table: dense, its head stays in sight, numbers stand to the right. Wide ones scroll by themselves and can be reached by keyboard.
import type { ComponentChildren } from "preact";

/** A column: what stands in its head and in its cells. */
export interface Column<Row> {
  head: string;
  cell: (row: Row) => ComponentChildren;
  /** `number` stands to the right, `wide` takes the room that is left. */
  kind?: "number" | "wide";
}

/** Rows under heads. `name` says what the table is about to who does not see it. */
export function Table<Row>({
  name,
  columns,
  rows,
  id,
}: {
  name: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  id: (row: Row) => string | number;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={name}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={column.kind}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {columns.map((column) => (
                <td class={column.kind}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
