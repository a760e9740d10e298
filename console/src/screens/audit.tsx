// Audit: what was asked of the store's servers, by whom, and how it was answered.
import type { components } from "../api/schema.d.ts";
import { ask, query } from "../router.ts";
import { useRead } from "../state/read.ts";
import { common } from "../text/common.ts";
import { CopyAs, curl } from "../ui/copy.tsx";
import { Shape } from "../ui/state.tsx";
import { Pages } from "../ui/pages.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { Empty, Told } from "../ui/told.tsx";
import { systemWords } from "./system.text.ts";

type Deed = components["schemas"]["Deed"];
const PAGE = 100;

export function Audit() {
  const words = systemWords();
  const before = query.value.get("before");
  const like = query.value.get("like") ?? "";
  const read = useRead("/api/v1/audit", { query: { before, limit: PAGE }, ...(before === null ? { on: () => true } : {}) });
  const isLike = (deed: Deed): boolean => `${deed.who} ${deed.role} ${deed.what} ${deed.code ?? ""}`.includes(like);
  if (read.problem?.status === 403) return <Empty title={words.onlyAdmin} />;
  return (
    <>
      <h1 class="unseen">{words.audit}</h1>
      <div class="tools">
        <label class="inline">
          {words.whoFilter}
          <input type="search" value={like} onInput={(event) => ask({ like: event.currentTarget.value })} />
        </label>
        <CopyAs request={curl("GET", "/api/v1/audit")} />
      </div>
      <Told read={read}>
        {(page) => {
          const rows = page.deeds.filter(isLike);
          return (
            <>
              {page.deeds.length === 0 ? (
                <Empty title={words.noDeeds} />
              ) : rows.length === 0 ? (
                <Empty title={words.noneLike} />
              ) : (
                <Deeds rows={rows} />
              )}
              <Pages by="before" next={page.next} first={words.newest} following={words.older} />
            </>
          );
        }}
      </Told>
    </>
  );
}

function Deeds({ rows }: { rows: readonly Deed[] }) {
  const words = systemWords();
  const roles = common().role as Record<string, string>;
  return (
    <Table
      name={words.auditTable}
      rows={rows}
      id={(deed) => deed.id}
      columns={[
        { head: words.at, cell: (deed) => <Moment at={deed.at} /> },
        { head: words.who, cell: (deed) => <strong>{deed.who}</strong> },
        { head: words.role, cell: (deed) => roles[deed.role] ?? deed.role },
        { head: words.what, kind: "wide", cell: (deed) => <code>{deed.what}</code> },
        { head: words.from, cell: (deed) => deed.from },
        { head: words.answer, cell: (deed) => <Answered deed={deed} /> },
      ]}
    />
  );
}

function Answered({ deed }: { deed: Deed }) {
  if (deed.status == null) return <span class="faint">{systemWords().underWay}</span>;
  return (
    <span class="state">
      <Shape state={deed.status < 400 ? "succeeded" : "failed"} />
      {deed.status} {deed.code != null && <code>{deed.code}</code>}
    </span>
  );
}
