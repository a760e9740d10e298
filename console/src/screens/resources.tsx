// Resources: who uses what, who waits for it, how breakers are, and holding a breaker by hand.
import { useState } from "preact/hooks";
import type { components } from "../api/schema.d.ts";
import { may } from "../api/token.ts";
import { ask, query } from "../router.ts";
import { useRead } from "../state/read.ts";
import { common } from "../text/common.ts";
import { Act, type Deed } from "../ui/act.tsx";
import { BreakerState } from "../ui/breaker.tsx";
import { cli, CopyAs, curl } from "../ui/copy.tsx";
import { count } from "../ui/format.ts";
import { Table } from "../ui/table.tsx";
import { Moment, Since } from "../ui/time.tsx";
import { Empty, Told } from "../ui/told.tsx";
import { resourcesWords } from "./resources.text.ts";
import "../style/trace.css";

type Resource = components["schemas"]["Resource"];
type Breaker = components["schemas"]["Breaker"];

/** Every resource. */
export function Resources() {
  const words = resourcesWords();
  const name = query.value.get("name") ?? "";
  const isNarrow = query.value.get("show") === "trouble";
  const read = useRead("/api/v1/resources", { on: () => true });
  const wanted = (row: Resource): boolean =>
    row.resource.includes(name) && (!isNarrow || row.waiting > 0 || (row.breaker != null && row.breaker.state !== "closed"));
  return (
    <>
      <h1 class="unseen">{words.title}</h1>
      <div class="tools">
        <label class="inline">
          {words.filter}
          <input type="search" value={name} onInput={(event) => ask({ name: event.currentTarget.value })} />
        </label>
        <label class="inline">
          <input type="checkbox" checked={isNarrow} onChange={(event) => ask({ show: event.currentTarget.checked ? "trouble" : null })} />
          <span>{words.only}</span>
        </label>
        <CopyAs command={cli("resources")} request={curl("GET", "/api/v1/resources")} />
      </div>
      <Told read={read}>
        {(page) => {
          const rows = page.resources.filter(wanted);
          if (page.resources.length === 0) return <Empty title={words.none}>{words.noneHelp}</Empty>;
          if (rows.length === 0) {
            return (
              <Empty title={words.noneLike}>
                <a href="/resources">{words.all}</a>
              </Empty>
            );
          }
          return <Rows rows={rows} again={read.again} />;
        }}
      </Told>
    </>
  );
}

function Rows({ rows, again }: { rows: readonly Resource[]; again: () => void }) {
  const words = resourcesWords();
  return (
    <Table
      name={words.table}
      rows={rows}
      id={(row) => row.resource}
      columns={[
        {
          head: common().resource,
          cell: (row) => (
            <a class="strong" href={`/resources/${encodeURIComponent(row.resource)}`}>
              {row.resource}
            </a>
          ),
        },
        { head: words.use, kind: "wide", cell: (row) => <Use row={row} /> },
        { head: words.rate, cell: (row) => row.rate ?? "" },
        { head: words.waiting, kind: "number", cell: (row) => <Waiting row={row} /> },
        { head: words.breaker, cell: (row) => (row.breaker == null ? "" : <BreakerState breaker={row.breaker} />) },
        { head: words.since, cell: (row) => (row.breaker?.since == null ? "" : <Since at={row.breaker.since} />) },
        { head: "", cell: (row) => row.breaker != null && <Hold name={row.resource} breaker={row.breaker} again={again} /> },
      ]}
    />
  );
}

/** Slots as boxes where they are few, as a bar else; the numbers beside them. */
function Use({ row }: { row: Resource }) {
  const words = resourcesWords();
  if (row.slots == null) return <span class="use">{count(row.in_use)}</span>;
  const told = words.ofSlots(count(row.in_use), count(row.slots));
  return (
    <span class="use">
      {row.slots <= 32 ? (
        <span class="slots" aria-hidden="true">
          {Array.from({ length: row.slots }, (_, index) => (
            <span class={index < row.in_use ? "slot is-used" : "slot"} />
          ))}
        </span>
      ) : (
        <span class="progress" aria-hidden="true">
          <span class="part part-used" style={{ width: `${Math.min(100, (100 * row.in_use) / row.slots)}%` }} />
        </span>
      )}
      {told}
    </span>
  );
}

function Waiting({ row }: { row: Resource }) {
  const words = resourcesWords();
  if (row.waiting === 0) return <span class="faint">0</span>;
  const parts = [
    [row.waiting_slot, words.forSlot],
    [row.waiting_rate, words.forRate],
    [row.waiting_breaker, words.forBreaker],
  ] as const;
  return (
    <span>
      <strong>{count(row.waiting)}</strong>{" "}
      <span class="faint">
        {parts
          .filter(([number]) => number > 0)
          .map(([number, name]) => `${count(number)} ${name}`)
          .join(", ")}
      </span>
    </span>
  );
}

type To = components["schemas"]["BreakerTo"];

/** Buttons that hold a breaker, each with a preview first. */
function Hold({ name, breaker, again }: { name: string; breaker: Breaker; again: () => void }) {
  const words = resourcesWords();
  const [to, setTo] = useState<To | null>(null);
  const [reason, setReason] = useState("");
  if (!may("operator")) return null;
  const isHeld = (state: string): boolean => breaker.forced && breaker.state === state;
  const offered: readonly [To, boolean][] = [
    ["open", !isHeld("open")],
    ["close", !isHeld("closed")],
    ["auto", breaker.forced],
  ];
  return (
    <span class="row-actions">
      {offered.map(
        ([which, isOffered]) =>
          isOffered && (
            <button type="button" onClick={() => setTo(which)} aria-label={`${words[which]}: ${name}`}>
              {words[which]}
            </button>
          ),
      )}
      {to !== null && (
        <Act
          deed={holding(name, to, reason.trim())}
          close={(done) => {
            setTo(null);
            setReason("");
            if (done !== null) again();
          }}
        >
          <label class="field">
            {words.why}
            <input value={reason} maxLength={200} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        </Act>
      )}
    </span>
  );
}

function holding(name: string, to: To, reason: string): Deed<"/api/v1/resources/{name}/breaker"> {
  const words = resourcesWords();
  const about = { open: words.openAbout, close: words.closeAbout, auto: words.autoAbout }[to](name);
  return {
    path: "/api/v1/resources/{name}/breaker",
    names: { name },
    body: { to, ...(reason === "" ? {} : { reason }) },
    title: words[to],
    about,
    command: cli("breaker", to, name, ...(reason === "" ? [] : ["--reason", reason])),
    grave: to === "open",
  };
}

/** One resource. */
export function OneResource({ names }: { names: Record<string, string> }) {
  const words = resourcesWords();
  const name = names["name"] ?? "";
  const read = useRead("/api/v1/resources/{name}", { names: { name }, on: () => true });
  return (
    <>
      <p class="up">
        <a href="/resources">{words.back}</a>
      </p>
      <Told read={read}>
        {(row) => (
          <>
            <header class="head">
              <div class="head-line">
                <h1>{row.resource}</h1>
                {row.breaker != null && <BreakerState breaker={row.breaker} />}
                {row.breaker != null && (
                  <span class="actions">
                    <Hold name={row.resource} breaker={row.breaker} again={read.again} />
                  </span>
                )}
                <CopyAs command={cli("resources")} request={curl("GET", `/api/v1/resources/${encodeURIComponent(name)}`)} />
              </div>
              <div class="head-progress">
                <Use row={row} />
                {row.rate != null && <span>{row.rate}</span>}
                <Waiting row={row} />
              </div>
              {row.breaker?.reason != null && <p>{row.breaker.reason}</p>}
              {row.breaker?.until != null && (
                <p class="facts">
                  {words.until} <Moment at={row.breaker.until} />
                </p>
              )}
            </header>
            <Engines row={row} />
            <Changes row={row} />
          </>
        )}
      </Told>
    </>
  );
}

function Engines({ row }: { row: Resource }) {
  const words = resourcesWords();
  // Who has a resource alone has no engines to share it with, and then there is no list.
  const engines = row.engines ?? [];
  if (engines.length === 0) return null;
  const permille = (part: number | null | undefined): string => (part == null ? "" : `${count(part / 10)} %`);
  return (
    <section>
      <h2>{words.engines}</h2>
      <Table
        name={words.engines}
        rows={engines}
        id={(engine) => engine.engine}
        columns={[
          { head: words.engine, kind: "number", cell: (engine) => engine.engine },
          { head: "", kind: "wide", cell: (engine) => <code>{`${engine.host} ${engine.command}`}</code> },
          { head: words.slots, kind: "number", cell: (engine) => (engine.slots == null ? "" : count(engine.slots)) },
          { head: words.slotsWanted, kind: "number", cell: (engine) => (engine.slots_wanted == null ? "" : count(engine.slots_wanted)) },
          { head: words.part, kind: "number", cell: (engine) => permille(engine.rate_permille) },
        ]}
      />
    </section>
  );
}

function Changes({ row }: { row: Resource }) {
  const words = resourcesWords();
  const changes = row.changes ?? [];
  if (row.breaker == null) return <p class="faint">{words.noBreaker}</p>;
  if (changes.length === 0) return null;
  return (
    <section>
      <h2>{words.changes}</h2>
      <Table
        name={words.changes}
        rows={changes}
        id={(change) => `${change.since} ${change.state} ${change.forced}`}
        columns={[
          { head: words.at, cell: (change) => change.since != null && <Moment at={change.since} /> },
          { head: words.state, cell: (change) => <BreakerState breaker={change} /> },
          { head: words.reason, kind: "wide", cell: (change) => change.reason ?? "" },
        ]}
      />
    </section>
  );
}
