// Numbers beside the curve: what resources cost, who held others up, and who used one at the same time.
import type { Got } from "../../api/client.ts";
import type { components } from "../../api/schema.d.ts";
import { ask } from "../../router.ts";
import { common } from "../../text/common.ts";
import { count, span } from "../../ui/format.ts";
import { hueOf } from "../../ui/hue.ts";
import { Table } from "../../ui/table.tsx";
import { executionWords } from "../execution.text.ts";
import { contentionWords } from "../contention.text.ts";
import type { Blocker } from "./curve.ts";

type Overlap = components["schemas"]["Overlap"];

export function Costs({ costs, shown }: { costs: Got<"/api/v1/processes/{id}/bottlenecks">; shown: string }) {
  const words = contentionWords();
  return (
    <div>
      <h2>{words.costs}</h2>
      <Table
        name={words.costs}
        rows={costs.rows}
        id={(row) => row.resource}
        columns={[
          {
            head: common().resource,
            kind: "wide",
            cell: (row) => (
              <button
                type="button"
                class="plain pick"
                aria-pressed={row.resource === shown}
                onClick={() => ask({ resource: row.resource, at: null })}
              >
                <span class="swatch" style={{ "--hue": hueOf(row.resource) }} aria-hidden="true" />
                {row.resource}
              </button>
            ),
          },
          { head: words.waited, kind: "number", cell: (row) => span(row.waited_micros) },
          { head: words.waits, kind: "number", cell: (row) => count(row.waits) },
          { head: words.accesses, kind: "number", cell: (row) => count(row.accesses) },
          { head: words.mean, kind: "number", cell: (row) => span(row.mean_micros) },
          { head: words.max, kind: "number", cell: (row) => span(row.max_micros) },
          { head: words.locks, kind: "number", cell: (row) => (row.locks === 0 ? "" : count(row.locks)) },
        ]}
      />
    </div>
  );
}

/** Who is told of those who held others up. */
const TOP = 12;

export function Blockers({ blockers, locks }: { blockers: readonly Blocker[]; locks: readonly components["schemas"]["LockCost"][] }) {
  const words = contentionWords();
  const rows = [
    ...locks.map((lock) => ({
      key: `lock ${lock.blocker} ${lock.about}`,
      who: (
        <>
          <LockHolder name={lock.blocker} /> {lock.foreign && <span class="tag">{words.foreign}</span>}
        </>
      ),
      about: lock.about,
      times: lock.waits,
      micros: lock.total_micros,
    })),
    // Locks of ours are among those above already.
    ...blockers
      .filter((one) => !locks.some((lock) => lock.about === one.about))
      .map((one) => ({
        key: `${one.execution} ${one.about}`,
        who: <a href={`/executions/${one.execution}`}>{one.entity ?? executionWords().itself}</a>,
        about: one.about,
        times: one.times,
        micros: one.micros,
      })),
  ].sort((left, right) => right.micros - left.micros);
  return (
    <div>
      <h2>{words.blockers}</h2>
      {rows.length === 0 ? (
        <p class="faint">{words.noBlockers}</p>
      ) : (
        <Table
          name={words.blockers}
          rows={rows.slice(0, TOP)}
          id={(row) => row.key}
          columns={[
            { head: words.blocker, kind: "wide", cell: (row) => row.who },
            { head: words.what, cell: (row) => <code>{row.about}</code> },
            { head: words.times, kind: "number", cell: (row) => count(row.times) },
            { head: words.sum, kind: "number", cell: (row) => span(row.micros) },
          ]}
        />
      )}
    </div>
  );
}

/** Who held a lock: executions are told by their number, and lead there. */
function LockHolder({ name }: { name: string }) {
  const known = /^execution (\d+)(.*)$/.exec(name);
  if (known === null) return <>{name}</>;
  return (
    <>
      <a href={`/executions/${known[1]}`}>
        {common().execution.toLowerCase()} {known[1]}
      </a>
      {known[2]}
    </>
  );
}

/** Entities on each side of the matrix. */
const SIDE = 12;

export function Matrix({ rows }: { rows: readonly Overlap[] }) {
  const words = contentionWords();
  const sums = new Map<string, number>();
  const pairs = new Map<string, number>();
  const nameOf = (entity: string | null | undefined): string => entity ?? executionWords().itself;
  for (const row of rows) {
    const [first, second] = [nameOf(row.first_entity), nameOf(row.second_entity)];
    for (const one of [first, second]) sums.set(one, (sums.get(one) ?? 0) + row.micros);
    for (const key of [`${first}\n${second}`, `${second}\n${first}`]) pairs.set(key, (pairs.get(key) ?? 0) + row.micros);
  }
  const names = [...sums]
    .sort(([, left], [, right]) => right - left)
    .slice(0, SIDE)
    .map(([name]) => name);
  const most = Math.max(1, ...pairs.values());
  return (
    <section>
      <h2>{words.overlaps}</h2>
      {names.length === 0 ? (
        <p class="faint">{words.noOverlaps}</p>
      ) : (
        <>
          <p class="help">{words.overlapsHelp}</p>
          <div class="scroll" tabIndex={0} role="region" aria-label={words.overlaps}>
            <table class="overlap">
              <thead>
                <tr>
                  <td />
                  {names.map((name) => (
                    <th scope="col" class="number">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {names.map((row) => (
                  <tr>
                    <th scope="row">{row}</th>
                    {names.map((column) => {
                      const micros = row === column ? 0 : (pairs.get(`${row}\n${column}`) ?? 0);
                      return (
                        <td class="cell" style={{ "--weight": `${Math.round((35 * micros) / most)}%` }}>
                          {micros === 0 ? "" : span(micros)}
                        </td>
                      );
                    })}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}
