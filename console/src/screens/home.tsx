// Home: the processes, newest first, as they move.
import { ask, query } from "../router.ts";
import { useRead } from "../state/read.ts";
import type { components } from "../api/schema.d.ts";
import { common } from "../text/common.ts";
import { causeName } from "../text/states.ts";
import { count, span } from "../ui/format.ts";
import { Bar, Numbers } from "../ui/progress.tsx";
import { Choice } from "../ui/choice.tsx";
import { Shape, standing, State } from "../ui/state.tsx";
import { Pages } from "../ui/pages.tsx";
import { Table } from "../ui/table.tsx";
import { Moment, Since } from "../ui/time.tsx";
import { Empty, Told } from "../ui/told.tsx";
import { homeWords } from "./home.text.ts";

type Process = components["schemas"]["Process"];

/** What `?show=` stands for. */
const SHOWN: Record<string, readonly string[]> = {
  open: ["running", "paused"],
  trouble: ["failed", "completed_with_errors", "cancelled"],
};
const PAGE = 50;

export function Home() {
  const words = homeWords();
  const show = query.value.get("show") ?? "";
  const pipeline = query.value.get("pipeline") ?? "";
  const before = query.value.get("before");
  const read = useRead("/api/v1/processes", {
    query: { state: SHOWN[show] ?? [], pipeline, before, limit: PAGE },
    on: (event) => event.event === "process",
  });
  return (
    <>
      <h1 class="unseen">{words.title}</h1>
      <Tiles />
      <div class="tools">
        <Choice
          name={words.newest}
          value={show}
          choose={(value) => ask({ show: value, before: null })}
          choices={[
            ["", words.all],
            ["open", words.open],
            ["trouble", words.trouble],
          ]}
        />
        <label class="inline">
          {words.pipelineFilter}
          <input
            type="search"
            value={pipeline}
            onChange={(event) => ask({ pipeline: event.currentTarget.value.trim(), before: null })}
          />
        </label>
      </div>
      <Told read={read}>
        {(page) =>
          page.processes.length === 0 ? (
            show === "" && pipeline === "" && before === null ? (
              <Empty title={words.empty}>
                <a href="/launch">{words.launchOne}</a> {words.emptyHelp}
              </Empty>
            ) : (
              <Empty title={words.emptyFilter}>
                <a href="/">{words.everything}</a>
              </Empty>
            )
          ) : (
            <>
              <Processes rows={page.processes} />
              <Pages by="before" next={page.next} first={words.newestAgain} following={words.older} />
            </>
          )
        }
      </Told>
    </>
  );
}

function Processes({ rows }: { rows: readonly Process[] }) {
  const words = homeWords();
  return (
    <Table
      name={words.newest}
      rows={rows}
      id={(row) => row.id}
      columns={[
        { head: words.id, kind: "number", cell: (row) => row.id },
        { head: common().pipeline, cell: (row) => <a class="strong" href={`/processes/${row.id}`}>{row.pipeline}</a> },
        { head: common().state, cell: (row) => <State state={standing(row)} /> },
        { head: words.progress, kind: "wide", cell: (row) => <Bar tally={row.entities} /> },
        { head: words.entities, cell: (row) => <Numbers tally={row.entities} /> },
        { head: words.lanes, kind: "number", cell: (row) => row.lanes },
        { head: words.began, cell: (row) => <Moment at={row.launched_at} /> },
        {
          head: words.took,
          kind: "number",
          cell: (row) => (row.ended_at == null ? <Since at={row.launched_at} /> : span(row.duration_micros)),
        },
      ]}
    />
  );
}

/** What unfinished processes are at, in numbers; the causes behind "waiting" below them. */
function Tiles() {
  const words = homeWords();
  const read = useRead("/api/v1/overview", { on: (event) => event.event !== "lanes" });
  const told = read.data;
  if (told === null) return read.problem === null ? <div class="tiles" aria-hidden="true" /> : null;
  const causes = Object.entries(told.causes).filter(([cause]) => cause !== "running");
  const waiting = causes.reduce((sum, [, number]) => sum + number, 0);
  const tiles: readonly (readonly [string, number, string, string])[] = [
    ["running", told.causes["running"] ?? 0, words.running, words.runningHint],
    ["waiting", waiting, words.waiting, words.waitingHint],
    ["failed", told.failed, words.failed, words.failedHint],
    ["interrupted", told.late.length, words.late, words.lateHint],
    ["paused", told.causes["lock"] ?? 0, words.locks, words.locksHint],
  ];
  return (
    <>
      <dl class="tiles">
        {tiles.map(([state, number, label, hint]) => (
          <div class={number === 0 ? "tile is-zero" : "tile"} title={hint}>
            <dt>
              <Shape state={state} /> {label}
            </dt>
            <dd>{count(number)}</dd>
          </div>
        ))}
      </dl>
      {(causes.length > 0 || told.late.length > 0) && (
        <ul class="causes">
          {causes
            .sort(([, left], [, right]) => right - left)
            .map(([cause, number]) => (
              <li>
                <strong>{count(number)}</strong> {causeName(cause)}
              </li>
            ))}
          {told.late.map((late) => (
            <li class="tone-warn">
              <a href={`/processes/${late.process}`}>
                {late.pipeline} {late.process}
              </a>{" "}
              {late.than === "goal" ? words.lateGoal : words.lateBaseline}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
