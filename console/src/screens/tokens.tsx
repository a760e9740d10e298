// Tokens: who may come in, making one (its secret is shown once), and revoking one.
import { useState } from "preact/hooks";
import { address, post, send } from "../api/client.ts";
import type { components } from "../api/schema.d.ts";
import { token, useToken } from "../api/token.ts";
import { useRead } from "../state/read.ts";
import { now } from "../state/clock.ts";
import { common } from "../text/common.ts";
import { Confirm } from "../ui/confirm.tsx";
import { cli, Copy, CopyAs, curl } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Shape } from "../ui/state.tsx";
import { Table } from "../ui/table.tsx";
import { Moment } from "../ui/time.tsx";
import { Empty, Told } from "../ui/told.tsx";
import { systemWords } from "./system.text.ts";

type Token = components["schemas"]["Token"];
type Made = components["schemas"]["TokenMade"];

export function Tokens() {
  const words = systemWords();
  const read = useRead("/api/v1/tokens");
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const [revoking, setRevoking] = useState<string | null>(null);
  if (read.problem?.status === 403) return <Empty title={words.onlyAdmin} />;
  return (
    <>
      <h1 class="unseen">{words.tokens}</h1>
      <div class="tools">
        <button type="button" class="main" onClick={() => setMaking(true)} disabled={read.data === null}>
          {words.create}
        </button>
        <CopyAs command={cli("token", "list")} request={curl("GET", "/api/v1/tokens")} />
      </div>
      <Told read={read}>
        {(page) =>
          page.tokens.length === 0 ? (
            <Empty title={words.noTokens}>{words.noTokensHelp}</Empty>
          ) : (
            <List rows={page.tokens} revoke={setRevoking} />
          )
        }
      </Told>
      {isMaking && (
        <Make
          isFirst={read.data?.tokens.length === 0}
          close={() => setMaking(false)}
          made={(one) => {
            setMaking(false);
            setMade(one);
          }}
        />
      )}
      {made !== null && (
        <Secret
          made={made}
          close={() => {
            setMade(null);
            // From the first token on nobody comes in without one; who made it goes on with it.
            if (token.value === null && read.data?.tokens.length === 0) useToken(made.token);
            else read.again();
          }}
        />
      )}
      {revoking !== null && (
        <Confirm
          title={words.revoke}
          about={words.revokeAbout(revoking)}
          grave
          command={cli("token", "revoke", revoking)}
          request={curl("DELETE", address("/api/v1/tokens/{name}", { name: revoking }))}
          act={async () => {
            await send(address("/api/v1/tokens/{name}", { name: revoking }), { method: "DELETE" });
            setRevoking(null);
            read.again();
          }}
          close={() => setRevoking(null)}
        />
      )}
    </>
  );
}

type Status = "valid" | "revoked" | "expired";

function statusOf(token: Token): Status {
  if (token.revoked_at != null) return "revoked";
  return token.expires_at != null && Date.parse(token.expires_at) <= now.value ? "expired" : "valid";
}

const SHAPES: Record<Status, string> = { valid: "succeeded", revoked: "cancelled", expired: "skipped" };

function List({ rows, revoke }: { rows: readonly Token[]; revoke: (name: string) => void }) {
  const words = systemWords();
  const roles = common().role as Record<string, string>;
  return (
    <Table
      name={words.tokensTable}
      rows={rows}
      id={(token) => token.id}
      columns={[
        { head: words.name, kind: "wide", cell: (row) => <strong>{row.name}</strong> },
        { head: words.role, cell: (token) => roles[token.role] ?? token.role },
        {
          head: words.status,
          cell: (token) => (
            <span class="state">
              <Shape state={SHAPES[statusOf(token)]} />
              {words[statusOf(token)]}
            </span>
          ),
        },
        { head: words.created, cell: (token) => <Moment at={token.created_at} /> },
        { head: words.who, cell: (token) => token.created_by },
        { head: words.expires, cell: (token) => (token.expires_at == null ? <span class="faint">{words.never}</span> : <Moment at={token.expires_at} />) },
        {
          head: "",
          cell: (token) =>
            statusOf(token) === "valid" && (
              <button type="button" onClick={() => revoke(token.name)} aria-label={`${words.revoke}: ${token.name}`}>
                {words.revoke}
              </button>
            ),
        },
      ]}
    />
  );
}

const ROLES = ["viewer", "operator", "admin"] as const;

function Make({ isFirst, close, made }: { isFirst: boolean; close: () => void; made: (one: Made) => void }) {
  const words = systemWords();
  const [name, setName] = useState("");
  const [role, setRole] = useState<(typeof ROLES)[number]>(isFirst ? "admin" : "viewer");
  const [days, setDays] = useState("");
  const body = { name: name.trim(), role, ...(days === "" ? {} : { days: Number(days) }) };
  return (
    <Confirm
      title={words.create}
      about={words.createAbout}
      ready={body.name !== ""}
      command={cli("token", "create", body.name === "" ? "NAME" : body.name, "--role", role, ...(days === "" ? [] : ["--expires", `${days}d`]))}
      request={curl("POST", "/api/v1/tokens", body)}
      act={async () => made(await post("/api/v1/tokens", {}, {}, body))}
      close={close}
    >
      {isFirst && <p class="warning">{words.firstWarning}</p>}
      <label class="field">
        {words.name}
        <input value={name} autocomplete="off" maxLength={100} onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label class="field">
        {words.role}
        <select value={role} onChange={(event) => setRole(event.currentTarget.value as (typeof ROLES)[number])}>
          {ROLES.map((one) => (
            <option value={one}>{common().role[one]}</option>
          ))}
        </select>
      </label>
      <label class="field">
        {words.days}
        <input type="number" min={1} max={36500} value={days} onInput={(event) => setDays(event.currentTarget.value)} />
      </label>
    </Confirm>
  );
}

function Secret({ made, close }: { made: Made; close: () => void }) {
  const words = systemWords();
  return (
    <Dialog
      title={words.made}
      close={close}
      buttons={
        <>
          <span class="copy-as">
            <Copy text={made.token} label={words.copy} />
          </span>
          <button type="button" class="main" onClick={close}>
            {words.done}
          </button>
        </>
      }
    >
      <p>{words.madeAbout}</p>
      <pre class="secret" tabIndex={0}>{made.token}</pre>
    </Dialog>
  );
}
