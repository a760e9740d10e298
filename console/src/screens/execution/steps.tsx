// Every attempt of an execution's steps: when, how long, what it waited for before, rows, and why it failed. What asks a person is
// answered here.
import { useState } from "preact/hooks";
import { listenedTo } from "../../api/about.ts";
import { address, post } from "../../api/client.ts";
import type { components } from "../../api/schema.d.ts";
import { may } from "../../api/token.ts";
import { useRead } from "../../state/read.ts";
import { causeName } from "../../text/states.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { cli, curl } from "../../ui/copy.tsx";
import { count, span } from "../../ui/format.ts";
import { State } from "../../ui/state.tsx";
import { Table } from "../../ui/table.tsx";
import { Moment, Since } from "../../ui/time.tsx";
import { Empty, Told } from "../../ui/told.tsx";
import { executionWords } from "../execution.text.ts";

type Attempt = components["schemas"]["Attempt"];

export function Steps({ id, run }: { id: number; run: string | null }) {
  const words = executionWords();
  const read = useRead("/api/v1/executions/{id}/attempts", {
    names: { id },
    query: { run },
    on: listenedTo({ execution: id }),
  });
  return (
    <Told read={read}>
      {({ attempts }) =>
        attempts.length === 0 ? (
          <Empty title={words.noSteps} />
        ) : (
          <>
            {attempts.filter(isAsking).map((attempt) => (
              <Question id={id} attempt={attempt} again={read.again} />
            ))}
            <List rows={attempts} />
          </>
        )
      }
    </Told>
  );
}

/** Whether it waits for a person: it has not ended, and says what it asks. */
function isAsking(attempt: Attempt): boolean {
  return attempt.state === "waiting" && attempt.reason != null;
}

function nameOf(attempt: Attempt): string {
  return `${attempt.stage}/${attempt.step}`;
}

function List({ rows }: { rows: readonly Attempt[] }) {
  const words = executionWords();
  return (
    <Table
      name={words.steps}
      rows={rows}
      id={(row) => `${row.run} ${nameOf(row)} ${row.attempt}`}
      columns={[
        { head: words.onlyRun, kind: "number", cell: (row) => row.run },
        { head: words.step, cell: (row) => <strong>{nameOf(row)}</strong> },
        { head: words.attempt, kind: "number", cell: (row) => (row.attempt === 0 ? "" : row.attempt) },
        { head: words.outcome, cell: (row) => <State state={row.state} /> },
        { head: words.began, cell: (row) => (row.attempt === 0 ? "" : <Moment at={row.began} />) },
        { head: words.took, kind: "number", cell: (row) => <Took row={row} /> },
        { head: words.waited, cell: (row) => <Waited row={row} /> },
        { head: words.rows, cell: (row) => <Rows row={row} /> },
        { head: "", kind: "wide", cell: (row) => <Said row={row} /> },
      ]}
    />
  );
}

function Took({ row }: { row: Attempt }) {
  if (row.attempt === 0) return null;
  if (row.duration_micros != null) return <>{span(row.duration_micros)}</>;
  return row.ended == null ? <Since at={row.began} /> : null;
}

function Waited({ row }: { row: Attempt }) {
  return (
    <>
      {row.waits
        .filter((wait) => wait.micros >= 1_000)
        .map((wait) => (
          <div>
            {causeName(wait.kind)} {wait.about != null && <code>{wait.about}</code>} {span(wait.micros)}
          </div>
        ))}
    </>
  );
}

function Rows({ row }: { row: Attempt }) {
  const words = executionWords();
  return (
    <>
      {row.rows.map((rows) => (
        <div title={words.rowsTitle}>
          <code>{rows.table}</code> {words.rowsOf(count(rows.inserted), count(rows.updated), count(rows.deleted))}
        </div>
      ))}
    </>
  );
}

function Said({ row }: { row: Attempt }) {
  const words = executionWords();
  const { error } = row;
  return (
    <>
      {row.fallback && <span class="tag">{words.fallback}</span>}
      {row.carried_from != null && <span class="tag">{words.carried(count(row.carried_from))}</span>}
      {row.reason != null && <span>{row.reason}</span>}
      {error != null && (
        <span class="step-error">
          <code class="code">{error.code}</code> {error.message}{" "}
          <span class="place">
            {error.place} {error.native}
          </span>
        </span>
      )}
      {row.retry_at != null && row.ended != null && (
        <span class="faint">
          {" "}
          {words.retryAt} <Moment at={row.retry_at} />
        </span>
      )}
    </>
  );
}

function Question({ id, attempt, again }: { id: number; attempt: Attempt; again: () => void }) {
  const words = executionWords();
  const [answer, setAnswer] = useState<"approve" | "reject" | null>(null);
  const [reason, setReason] = useState("");
  const step = nameOf(attempt);
  const given = reason.trim();
  const body = { step, ...(given === "" ? {} : { reason: given }) };
  return (
    <div class="question">
      <p>
        <strong>{words.asks}</strong> {attempt.reason}
      </p>
      {may("operator") && (
        <>
          <button type="button" class="main" onClick={() => setAnswer("approve")}>
            {words.approve}
          </button>
          <button type="button" onClick={() => setAnswer("reject")}>
            {words.reject}
          </button>
        </>
      )}
      {answer !== null && (
        <Confirm
          title={words[answer]}
          about={answer === "approve" ? words.approveAbout(step) : words.rejectAbout(step)}
          grave={answer === "reject"}
          command={cli(answer, id, "--step", step, ...(given === "" ? [] : ["--reason", given]))}
          request={curl("POST", address(`/api/v1/executions/{id}/${answer}`, { id }), body)}
          act={async () => {
            await post(`/api/v1/executions/{id}/${answer}`, { id }, {}, body);
            setAnswer(null);
            again();
          }}
          close={() => setAnswer(null)}
        >
          <blockquote>{attempt.reason}</blockquote>
          <label class="field">
            {words.reason}
            <input value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </div>
  );
}
