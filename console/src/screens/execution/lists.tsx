// What an execution's steps gave and printed, which signals came, and what else was run for its entity.
import { listenedTo } from "../../api/about.ts";
import { useRead } from "../../state/read.ts";
import { common } from "../../text/common.ts";
import { cli, Copy, CopyAs, curl } from "../../ui/copy.tsx";
import { span } from "../../ui/format.ts";
import { standing, State } from "../../ui/state.tsx";
import { Table } from "../../ui/table.tsx";
import { Moment } from "../../ui/time.tsx";
import { Empty, Told } from "../../ui/told.tsx";
import { executionWords } from "../execution.text.ts";

export function Outputs({ id, run }: { id: number; run: string | null }) {
  const words = executionWords();
  const read = useRead("/api/v1/executions/{id}/outputs", { names: { id }, query: { run }, on: listenedTo({ execution: id }) });
  return (
    <Told read={read}>
      {({ outputs }) =>
        outputs.length === 0 ? (
          <Empty title={words.noOutputs} />
        ) : (
          outputs.map((one) => {
            const text = JSON.stringify(one.output, null, 2);
            return (
              <section class="output" aria-label={one.step}>
                <header>
                  <strong>{one.step}</strong>
                  <span class="faint">
                    {words.run(String(one.run))}, {words.attempt.toLowerCase()} {one.attempt}
                  </span>
                  <Copy text={text} label="JSON" />
                </header>
                <pre tabIndex={0}>{text}</pre>
              </section>
            );
          })
        )
      }
    </Told>
  );
}

export function Logs({ id }: { id: number }) {
  const words = executionWords();
  const read = useRead("/api/v1/executions/{id}/logs", { names: { id }, on: listenedTo({ execution: id }) });
  return (
    <Told read={read}>
      {({ logs, more }) =>
        logs.length === 0 ? (
          <Empty title={words.noLogs} />
        ) : (
          <>
            {logs.map((log) => (
              <section class="output" aria-label={log.step}>
                <header>
                  <strong>{log.step}</strong>
                  <span class="faint">
                    {words.run(String(log.run))}, {words.attempt.toLowerCase()} {log.attempt}
                  </span>
                </header>
                <pre tabIndex={0}>{log.text}</pre>
              </section>
            ))}
            {more && <p class="help">{words.moreLogs}</p>}
            <CopyAs command={cli("logs", id)} request={curl("GET", `/api/v1/executions/${id}/logs`)} />
          </>
        )
      }
    </Told>
  );
}

export function Signals({ id }: { id: number }) {
  const words = executionWords();
  const read = useRead("/api/v1/executions/{id}/signals", { names: { id }, on: listenedTo({ execution: id }) });
  return (
    <Told read={read}>
      {({ signals }) =>
        signals.length === 0 ? (
          <Empty title={words.noSignals} />
        ) : (
          <Table
            name={words.signals}
            rows={signals}
            id={(signal) => signal.number}
            columns={[
              { head: words.signal, cell: (signal) => <strong>{signal.key}</strong> },
              { head: words.sent, cell: (signal) => <Moment at={signal.sent_at} /> },
              { head: words.sentBy, cell: (signal) => signal.sent_by },
              {
                head: words.taken,
                cell: (signal) =>
                  signal.taken_by == null ? <span class="faint">{words.notTaken}</span> : <code>{signal.taken_by}</code>,
              },
              { head: words.data, kind: "wide", cell: (signal) => <code>{JSON.stringify(signal.data)}</code> },
            ]}
          />
        )
      }
    </Told>
  );
}

/** How many executions of its entity are told. */
const OTHERS = 50;

export function Others({ entity, id }: { entity: string; id: number }) {
  const words = executionWords();
  const read = useRead("/api/v1/entities/{key}/executions", {
    names: { key: entity },
    query: { limit: OTHERS },
    on: listenedTo({ execution: id }),
  });
  return (
    <Told read={read}>
      {({ executions }) => (
        <Table
          name={words.others}
          rows={executions}
          id={(row) => row.id}
          columns={[
            {
              head: words.title,
              kind: "number",
              cell: (row) => (row.id === id ? row.id : <a href={`/executions/${row.id}`}>{row.id}</a>),
            },
            { head: common().process, kind: "number", cell: (row) => <a href={`/processes/${row.process}`}>{row.process}</a> },
            { head: common().state, cell: (row) => <State state={standing(row)} /> },
            { head: words.began, cell: (row) => <Moment at={row.started_at ?? row.launched_at} /> },
            { head: words.took, kind: "number", cell: (row) => span(row.account.total_micros) },
            {
              head: "",
              kind: "wide",
              cell: (row) =>
                row.error != null && (
                  <span class="step-error">
                    <code class="code">{row.error.code}</code> {row.error.message}
                  </span>
                ),
            },
          ]}
        />
      )}
    </Told>
  );
}
