// Contention: what lanes shared and waited for, over time and in sums, and who held whom up.
import { useMemo } from "preact/hooks";
import { listenedTo } from "../api/about.ts";
import { address } from "../api/client.ts";
import { ask, query } from "../router.ts";
import { now } from "../state/clock.ts";
import { useRead } from "../state/read.ts";
import { AccountBar } from "../ui/account.tsx";
import { cli, CopyAs, curl } from "../ui/copy.tsx";
import { count } from "../ui/format.ts";
import { ProcessFrame, type OneProcess } from "../ui/process.tsx";
import { Empty, Told } from "../ui/told.tsx";
import { Chart } from "./contention/chart.tsx";
import { blockersOf, lastOf, usesOf, type Uses } from "./contention/curve.ts";
import { LANES_MAX, useLanes } from "./contention/lanes.ts";
import { LockRows } from "./contention/locks.tsx";
import { Blockers, Costs, Matrix } from "./contention/tables.tsx";
import { contentionWords } from "./contention.text.ts";
import { microsOf, type Swimlanes } from "./timeline/layout.ts";
import "../style/trace.css";

const NOBODY: Uses = { holds: [], waits: [] };
/** Rows of overlaps and locks that are read. */
const ROWS = 2_000;
const PACE = 4_000;

export function Contention({ names }: { names: Record<string, string> }) {
  return <ProcessFrame names={names}>{(one) => <Views one={one} />}</ProcessFrame>;
}

function Views({ one }: { one: OneProcess }) {
  const words = contentionWords();
  const { id } = one.process;
  const asking = { names: { id }, process: id, on: listenedTo({ process: id }), pace: PACE };
  const lanes = useLanes(id);
  const costs = useRead("/api/v1/processes/{id}/bottlenecks", asking);
  const overlaps = useRead("/api/v1/processes/{id}/overlaps", { ...asking, query: { limit: ROWS } });
  const spent = useRead("/api/v1/processes/{id}/waits", asking);
  const named = query.value.get("resource");
  const shown = named ?? costs.data?.rows[0]?.resource ?? "";
  const account = useMemo(() => {
    const micros = Object.fromEntries((spent.data?.rows ?? []).map((row) => [row.cause, row.total_micros]));
    return { micros, total_micros: 0 };
  }, [spent.data]);
  return (
    <>
      <div class="tools">
        <CopyAs command={cli("trace", "bottlenecks", id)} request={curl("GET", address("/api/v1/processes/{id}/bottlenecks", { id }))} />
      </div>
      <Told read={costs}>
        {(told) =>
          told.rows.length === 0 && named === null ? (
            <Empty title={words.none}>{words.noneHelp}</Empty>
          ) : (
            <>
              <Told read={lanes}>{(page) => <OverTime page={page} shown={shown} isOpen={one.process.ended_at == null} />}</Told>
              <div class="two">
                <Costs costs={told} shown={shown} />
                <Blockers blockers={blockersOf(lanes.data?.lanes ?? [])} locks={told.locks} />
              </div>
            </>
          )
        }
      </Told>
      <AccountBar account={account} />
      <Told read={overlaps}>
        {(told) => (
          <>
            <Matrix rows={told.rows.filter((row) => row.resource === shown)} />
            <section>
              <h2>{words.chains}</h2>
              {told.locks.length === 0 ? <p class="faint">{words.noLocks}</p> : <LockRows rows={told.locks} />}
            </section>
          </>
        )}
      </Told>
    </>
  );
}

function OverTime({ page, shown, isOpen }: { page: Swimlanes; shown: string; isOpen: boolean }) {
  const words = contentionWords();
  const start = microsOf(page.from);
  const end = isOpen ? Math.max(microsOf(page.until), Math.floor(now.value / 5_000) * 5_000_000) : microsOf(page.until);
  const uses = useMemo(() => usesOf(page.lanes, start, end), [page, start, end]);
  const names = [...new Set([...uses.keys(), shown])].sort();
  return (
    <>
      <div class="tools">
        <label class="inline">
          {words.resource}
          <select value={shown} onChange={(event) => ask({ resource: event.currentTarget.value, at: null })}>
            {names.map((name) => (
              <option value={name}>{name}</option>
            ))}
          </select>
        </label>
        {page.next != null && <span class="faint">{words.cut(count(LANES_MAX))}</span>}
      </div>
      <Chart name={shown} uses={uses.get(shown) ?? NOBODY} end={Math.max(1, lastOf(uses.values()))} />
    </>
  );
}
