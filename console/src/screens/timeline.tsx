// A process as swim-lanes: who worked and waited when, and for whom. Beside another process, if one is asked for.
import { useEffect, useMemo, useState } from "preact/hooks";
import { listenedTo } from "../api/about.ts";
import { address, send } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import { ask, query } from "../router.ts";
import { now } from "../state/clock.ts";
import { useRead } from "../state/read.ts";
import { stateName } from "../text/states.ts";
import { Pages } from "../ui/pages.tsx";
import { asProblem } from "../ui/act.tsx";
import { Choice } from "../ui/choice.tsx";
import { cli, CopyAs, curl } from "../ui/copy.tsx";
import { count } from "../ui/format.ts";
import { ProcessFrame, type OneProcess } from "../ui/process.tsx";
import { Empty, Told, Trouble } from "../ui/told.tsx";
import { microsOf, ordered, rowsOf, within, zoomed, type Order, type Row, type Swimlanes, type View } from "./timeline/layout.ts";
import { Swim } from "./timeline/swim.tsx";
import { LanesTable } from "./timeline/table.tsx";
import { timelineWords } from "./timeline.text.ts";
import "../style/trace.css";

/** Lanes that are read at once: what the server gives at most. */
const PAGE = 500;
/** How many earlier processes can be compared with. */
const EARLIER = 20;
const STATES = ["running", "waiting", "succeeded", "failed", "cancelled"];

export function Timeline({ names }: { names: Record<string, string> }) {
  return <ProcessFrame names={names}>{(one) => <Lanes one={one} />}</ProcessFrame>;
}

function Lanes({ one }: { one: OneProcess }) {
  const { process } = one;
  const after = query.value.get("after");
  const state = query.value.get("state");
  const other = query.value.get("with");
  const read = useRead("/api/v1/processes/{id}/swimlanes", {
    names: { id: process.id },
    query: { after, state, limit: PAGE },
    process: process.id,
    on: listenedTo({ process: process.id }),
    pace: 2_000,
  });
  const compared = useRead(other === null ? null : "/api/v1/processes/{id}/swimlanes", { names: { id: other }, query: { limit: PAGE } });
  return (
    <>
      <Tools one={one} page={read.data} />
      {compared.problem !== null && other !== null && <Trouble problem={compared.problem} />}
      <Told read={read}>
        {(page) =>
          page.lanes.length === 0 ? (
            <Empty title={state === null ? timelineWords().none : timelineWords().noneLike} />
          ) : (
            <Shown page={page} other={other === null ? null : compared.data} isOpen={process.ended_at == null} name={`${process.pipeline} ${process.id}`} />
          )
        }
      </Told>
    </>
  );
}

function orderOf(): Order {
  const asked = query.value.get("order") ?? "";
  return (["start", "length", "waiting"] as const).find((known) => known === asked) ?? "launch";
}

/** What of the address says which part of the time is shown, in milliseconds. */
function viewOf(whole: View): View {
  const from = Number(query.value.get("from") ?? Number.NaN) * 1_000;
  const until = Number(query.value.get("until") ?? Number.NaN) * 1_000;
  return from < until ? within({ from, until }, whole) : whole;
}

function Shown({ page, other, isOpen, name }: { page: Swimlanes; other: Swimlanes | null; isOpen: boolean; name: string }) {
  const words = timelineWords();
  const like = (query.value.get("entity") ?? "").toLowerCase();
  const order = orderOf();
  // An open process grows while one looks: by the clock, once a second, and by what was read.
  const clock = isOpen ? Math.max(now.value * 1_000, microsOf(page.until)) : microsOf(page.until);
  const rows = useMemo(() => {
    const wanted = rowsOf(page, clock).filter((row) => (row.entity ?? "").toLowerCase().includes(like));
    return ordered(wanted, order);
  }, [page, clock, like, order]);
  const others = useMemo(() => (other === null ? [] : rowsOf(other, microsOf(other.until))), [other]);
  const end = Math.max(clock - microsOf(page.from), ...rows.map((row) => row.began + row.length), ...others.map((row) => row.began + row.length), 1);
  const whole = { from: 0, until: end };
  if (rows.length === 0) return <Empty title={words.noneLike} />;
  return (
    <>
      {query.value.get("as") === "table" ? (
        <LanesTable rows={rows} />
      ) : (
        <Pictures rows={rows} others={others} whole={whole} name={name} />
      )}
      {!page.holders && <p class="help">{words.noHolders}</p>}
      <Pages by="after" next={page.next} first={words.first} following={words.next} />
    </>
  );
}

function Pictures({ rows, others, whole, name }: { rows: readonly Row[]; others: readonly Row[]; whole: View; name: string }) {
  const words = timelineWords();
  const isBeside = query.value.get("how") === "beside" && others.length > 0;
  const isFolded = query.value.get("fold") !== "none";
  const [folds, setFolds] = useState<ReadonlySet<number>>(new Set());
  const view = viewOf(whole);
  const look = (to: View): void => {
    const isWhole = to.from <= whole.from && to.until >= whole.until;
    ask({ from: isWhole ? null : (to.from / 1_000).toFixed(1), until: isWhole ? null : (to.until / 1_000).toFixed(1) });
  };
  const fold = (execution: number): void => {
    const changed = new Set(folds);
    if (!changed.delete(execution)) changed.add(execution);
    setFolds(changed);
  };
  useEffect(() => setFolds(new Set()), [isFolded]);
  const ghosts = useMemo(() => new Map(isBeside ? [] : others.map((row) => [row.entity ?? "", row])), [others, isBeside]);
  const alone = others.length === 0 ? 0 : rows.filter((row) => !others.some((one) => one.entity === row.entity)).length;
  const middle = (view.from + view.until) / 2;
  const shared = { whole, view, look, others: folds, isFolded, fold };
  return (
    <>
      <div class="tools">
        <button type="button" onClick={() => ask({ fold: isFolded ? "none" : null })}>
          {isFolded ? words.unfoldAll : words.foldAll}
        </button>
        <span class="choice">
          <button type="button" aria-label={words.zoomOut} title={words.zoomOut} onClick={() => look(zoomed(view, middle, 2, whole))}>
            −
          </button>
          <button type="button" aria-label={words.zoomIn} title={words.zoomIn} onClick={() => look(zoomed(view, middle, 0.5, whole))}>
            +
          </button>
          <button type="button" onClick={() => look(whole)}>
            {words.whole}
          </button>
        </span>
        <Legend hasGhosts={ghosts.size > 0} />
      </div>
      {alone > 0 && <p class="help">{words.unmatched(count(alone))}</p>}
      <div class={isBeside ? "beside is-two" : "beside"}>
        <div>
          <Swim {...shared} name={name} rows={rows} ghosts={ghosts} />
        </div>
        {isBeside && (
          <div>
            <Swim {...shared} name={words.ofOther(query.value.get("with") ?? "")} rows={others} ghosts={NO_GHOSTS} />
          </div>
        )}
      </div>
    </>
  );
}

const NO_GHOSTS: ReadonlyMap<string, Row> = new Map();

function Legend({ hasGhosts }: { hasGhosts: boolean }) {
  const words = timelineWords();
  return (
    <ul class="legend">
      <li>
        <span class="key key-work" aria-hidden="true" />
        {words.legendWork}
      </li>
      <li>
        <span class="key key-failed" aria-hidden="true" />
        {words.legendFailed}
      </li>
      <li>
        <span class="key key-wait" aria-hidden="true" />
        {words.legendWait}
      </li>
      <li>
        <span class="key key-queue" aria-hidden="true" />
        {words.legendQueue}
      </li>
      {hasGhosts && (
        <li>
          <span class="key key-ghost" aria-hidden="true" />
          {words.legendGhost}
        </li>
      )}
    </ul>
  );
}

function Tools({ one, page }: { one: OneProcess; page: Swimlanes | null }) {
  const words = timelineWords();
  const { id } = one.process;
  const earlier = useRead("/api/v1/processes", { query: { pipeline: one.process.pipeline, before: id, limit: EARLIER } });
  const other = query.value.get("with");
  return (
    <div class="tools">
      <Choice
        name={words.shownAs}
        value={query.value.get("as") === "table" ? "table" : "picture"}
        choices={[
          ["picture", words.picture],
          ["table", words.table],
        ]}
        choose={(value) => ask({ as: value === "table" ? value : null })}
      />
      <label class="inline">
        {words.filter}
        <input type="search" size={14} value={query.value.get("entity") ?? ""} onInput={(event) => ask({ entity: event.currentTarget.value })} />
      </label>
      <label class="inline">
        {words.state}
        <select value={query.value.get("state") ?? ""} onChange={(event) => ask({ state: event.currentTarget.value, after: null })}>
          <option value="">{words.everyState}</option>
          {STATES.map((state) => (
            <option value={state}>{stateName(state)}</option>
          ))}
        </select>
      </label>
      <label class="inline">
        {words.order}
        <select value={orderOf()} onChange={(event) => ask({ order: event.currentTarget.value === "launch" ? null : event.currentTarget.value })}>
          <option value="launch">{words.byLaunch}</option>
          <option value="start">{words.byStart}</option>
          <option value="length">{words.byLength}</option>
          <option value="waiting">{words.byWaiting}</option>
        </select>
      </label>
      <label class="inline">
        {words.compare}
        <select value={other ?? ""} onChange={(event) => ask({ with: event.currentTarget.value })}>
          <option value="">{words.nothing}</option>
          {(earlier.data?.processes ?? []).map((process) => (
            <option value={String(process.id)}>
              {process.id} {stateName(process.state)}
            </option>
          ))}
        </select>
      </label>
      {other !== null && (
        <Choice
          name={words.how}
          value={query.value.get("how") === "beside" ? "beside" : "overlaid"}
          choices={[
            ["overlaid", words.overlaid],
            ["beside", words.beside],
          ]}
          choose={(value) => ask({ how: value === "beside" ? value : null })}
        />
      )}
      <Export id={id} disabled={page === null} />
      <CopyAs command={cli("trace", "timeline", id)} request={curl("GET", address("/api/v1/processes/{id}/swimlanes", { id }))} />
    </div>
  );
}

/** Saves the trace. It is fetched, not linked to, as a link cannot carry a token. */
function Export({ id, disabled }: { id: number; disabled: boolean }) {
  const words = timelineWords();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const save = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const response = await send(address("/api/v1/processes/{id}/trace", { id }), {});
      const url = URL.createObjectURL(await response.blob());
      const link = document.createElement("a");
      link.href = url;
      link.download = `carril-${id}.json`;
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" title={words.exportHint} disabled={disabled || isBusy} onClick={() => void save()}>
        {isBusy ? words.exporting : words.export}
      </button>
      {problem !== null && <Trouble problem={problem} />}
    </>
  );
}
