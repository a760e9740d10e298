// Locks: waits for locks of databases in processes that are not over, or in the newest ones, wherever they are.
import { listenedTo } from "../api/about.ts";
import type { components } from "../api/schema.d.ts";
import { ask, query } from "../router.ts";
import { useRead } from "../state/read.ts";
import { Choice } from "../ui/choice.tsx";
import { standing, State } from "../ui/state.tsx";
import { CopyAs, curl } from "../ui/copy.tsx";
import { Empty, Told } from "../ui/told.tsx";
import { LockRows } from "./contention/locks.tsx";
import { contentionWords } from "./contention.text.ts";
import "../style/trace.css";

type Process = components["schemas"]["Process"];

/** Processes whose locks are told. */
const PROCESSES = 12;
/** Of each so many. */
const ROWS = 50;

export function Locks() {
  const words = contentionWords();
  const isRecent = query.value.get("show") === "newest";
  const read = useRead("/api/v1/processes", {
    query: { state: isRecent ? [] : ["running", "paused"], limit: PROCESSES },
    on: (event) => event.event === "process",
    pace: 2_000,
  });
  return (
    <>
      <h1 class="unseen">{words.locksTitle}</h1>
      <div class="tools">
        <Choice
          name={words.which}
          value={isRecent ? "newest" : "open"}
          choices={[
            ["open", words.unfinished],
            ["newest", words.recent],
          ]}
          choose={(value) => ask({ show: value === "newest" ? value : null })}
        />
      </div>
      <Told read={read}>
        {(page) =>
          page.processes.length === 0 ? (
            <Empty title={words.noProcess}>{words.locksNoneHelp}</Empty>
          ) : (
            page.processes.map((process) => <OfProcess key={process.id} process={process} />)
          )
        }
      </Told>
    </>
  );
}

function OfProcess({ process }: { process: Process }) {
  const words = contentionWords();
  const { id } = process;
  const read = useRead("/api/v1/processes/{id}/locks", {
    names: { id },
    query: { limit: ROWS },
    on: listenedTo({ process: id }),
    pace: 2_000,
  });
  return (
    <section>
      <div class="head-line">
        <h2>
          <a href={`/processes/${id}/contention`}>
            {process.pipeline} {id}
          </a>
        </h2>
        <State state={standing(process)} />
        <CopyAs command={`carril trace waits ${id}`} request={curl("GET", `/api/v1/processes/${id}/locks`)} />
      </div>
      <Told read={read}>{({ rows }) => (rows.length === 0 ? <p class="faint">{words.noLocksOf}</p> : <LockRows rows={rows} />)}</Told>
    </section>
  );
}
