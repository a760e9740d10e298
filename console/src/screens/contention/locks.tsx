// Waits for locks of databases: who waited, on which table, and the chain of those who stood in the way, joined to lane and step where
// they are ours.
import type { components } from "../../api/schema.d.ts";
import { now } from "../../state/clock.ts";
import { common } from "../../text/common.ts";
import { between, span } from "../../ui/format.ts";
import { Moment } from "../../ui/time.tsx";
import { Table } from "../../ui/table.tsx";
import { executionWords } from "../execution.text.ts";
import { contentionWords } from "../contention.text.ts";

type LockRow = components["schemas"]["LockRow"];
type BlockerShape = components["schemas"]["Blocker"];

export function LockRows({ rows }: { rows: readonly LockRow[] }) {
  const words = contentionWords();
  return (
    <Table
      name={words.chains}
      rows={rows}
      id={(row) => `${row.execution} ${row.step} ${row.began}`}
      columns={[
        {
          head: words.waiter,
          cell: (row) => (
            <>
              <a href={`/executions/${row.execution}`}>{row.entity ?? executionWords().itself}</a> <span class="faint">{row.step}</span>
            </>
          ),
        },
        { head: words.took, kind: "number", cell: (row) => span(row.micros) },
        { head: words.since, cell: (row) => <Moment at={row.began} /> },
        {
          head: words.mode,
          cell: ({ lock }) => (
            <>
              <code>{lock.table ?? lock.kind}</code> <span class="faint">{`${lock.mode} ${words.lockOn} ${lock.target}`}</span>
              {lock.deadlock && <span class="tag">{words.deadlock}</span>}
            </>
          ),
        },
        { head: words.chains, kind: "wide", cell: ({ lock }) => <Chain through={lock.through} blocker={lock.blocker} /> },
      ]}
    />
  );
}

/** From who is nearest to who holds it up in the end. */
function Chain({ through, blocker }: { through: readonly BlockerShape[]; blocker: BlockerShape }) {
  return (
    <span class="links">
      {through.map((one) => (
        <>
          <Who blocker={one} /> <span aria-hidden="true">→</span>{" "}
        </>
      ))}
      <strong>
        <Who blocker={blocker} />
      </strong>
    </span>
  );
}

function Who({ blocker }: { blocker: BlockerShape }) {
  const words = contentionWords();
  const name =
    blocker.execution == null ? (
      blocker.name
    ) : (
      <>
        <a href={`/executions/${blocker.execution}`}>
          {common().execution.toLowerCase()} {blocker.execution}
        </a>{" "}
        {blocker.step}
      </>
    );
  return (
    <span title={blocker.query ?? undefined}>
      {name}
      {blocker.foreign && <span class="tag">{words.foreign}</span>}
      {blocker.state != null && <span class="faint"> {blocker.state}</span>}
      {blocker.transaction_since != null && <span class="faint"> {words.idle(span(between(blocker.transaction_since, now.value)))}</span>}
    </span>
  );
}
