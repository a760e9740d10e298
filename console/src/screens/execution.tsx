// An execution: what it is at and why, where its time went, what its steps did and gave, and what can be done with it.
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Got } from "../api/client.ts";
import { listenedTo } from "../api/about.ts";
import { ask, query } from "../router.ts";
import { useRead } from "../state/read.ts";
import { causeName } from "../text/states.ts";
import { AccountBar } from "../ui/account.tsx";
import { Choice } from "../ui/choice.tsx";
import { cli, CopyAs, curl } from "../ui/copy.tsx";
import { count } from "../ui/format.ts";
import { standing, State } from "../ui/state.tsx";
import { Moment, Since } from "../ui/time.tsx";
import { Told } from "../ui/told.tsx";
import { Actions } from "./execution/actions.tsx";
import { Steps } from "./execution/steps.tsx";
import { Logs, Others, Outputs, Signals } from "./execution/lists.tsx";
import { Fault } from "./execution/fault.tsx";
import { executionWords } from "./execution.text.ts";
import "../style/trace.css";

type OneExecution = Got<"/api/v1/executions/{id}">["execution"];
type Shown = "steps" | "outputs" | "logs" | "signals" | "others";

export function Execution({ names }: { names: Record<string, string> }) {
  const id = Number(names["id"]);
  // That it was rolled back is told of its process only.
  const process = useRef<number | undefined>(undefined);
  const read = useRead("/api/v1/executions/{id}", {
    names: { id: names["id"] },
    on: (event) => listenedTo({ execution: id })(event) || (event.event === "process" && event.process === process.current),
  });
  process.current = read.data?.execution.process;
  return (
    <Told read={read}>
      {({ execution }) => (
        <>
          <Head execution={execution} again={read.again} />
          <Views execution={execution} />
        </>
      )}
    </Told>
  );
}

function Head({ execution, again }: { execution: OneExecution; again: () => void }) {
  const words = executionWords();
  const attributes = Object.entries(execution.attributes as Record<string, unknown>);
  return (
    <header class="head">
      <div class="head-line">
        <h1>
          {execution.entity ?? words.itself} <span class="faint">{execution.id}</span>
        </h1>
        <State state={standing(execution)} />
        <Actions execution={execution} again={again} />
      </div>
      <Why id={execution.id} />
      <Fault error={execution.error} step={execution.failed_step} />
      <p class="facts">
        <span>
          {words.ofProcess} <a href={`/processes/${execution.process}`}>{execution.process}</a>
        </span>
        <span>{words.run(count(execution.run))}</span>
        <span>
          <Moment at={execution.started_at ?? execution.launched_at} />
        </span>
        {execution.cause != null && (
          <span>
            {causeName(execution.cause.kind)} {execution.cause.about != null && <code>{execution.cause.about}</code>}{" "}
            <Since at={execution.cause.since} />
          </span>
        )}
        {execution.behind != null && (
          <span>
            {words.behind} <a href={`/executions/${execution.behind}`}>{execution.behind}</a>
          </span>
        )}
        {execution.warnings > 0 && <span class="tone-warn">{words.warnings(count(execution.warnings))}</span>}
        {attributes.map(([name, value]) => (
          <code>
            {name}={typeof value === "string" ? value : JSON.stringify(value)}
          </code>
        ))}
        <CopyAs command={cli("show", execution.id)} request={curl("GET", `/api/v1/executions/${execution.id}`)} />
      </p>
      <AccountBar account={execution.account} />
    </header>
  );
}

/** The sentence of `why`, and the chain behind it where there is one. */
function Why({ id }: { id: number }) {
  const words = executionWords();
  const read = useRead("/api/v1/why/{subject}", { names: { subject: String(id) }, on: listenedTo({ execution: id }) });
  const why = read.data;
  if (why === null) return null;
  return (
    <>
      <p class="sentence">{why.sentence}</p>
      {why.chain.length > 1 && (
        <ol class="chain" aria-label={words.whyTitle}>
          {why.chain.map((link) => (
            <li>
              {link.execution == null || link.execution === id ? (
                link.sentence
              ) : (
                <a href={`/executions/${link.execution}`}>{link.sentence}</a>
              )}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

function Views({ execution }: { execution: OneExecution }) {
  const words = executionWords();
  const { id } = execution;
  const views: Record<Shown, () => ComponentChildren> = {
    steps: () => <Steps id={id} run={query.value.get("run")} />,
    outputs: () => <Outputs id={id} run={query.value.get("run")} />,
    logs: () => <Logs id={id} />,
    signals: () => <Signals id={id} />,
    others: () => execution.entity != null && <Others entity={execution.entity} id={id} />,
  };
  const asked = query.value.get("show") ?? "";
  const shown: Shown = asked in views ? (asked as Shown) : "steps";
  const offered: readonly (readonly [Shown, string])[] = [
    ["steps", words.steps],
    ["outputs", words.outputs],
    ["logs", words.logs],
    ["signals", words.signals],
    ...(execution.entity == null ? [] : ([["others", words.others]] as const)),
  ];
  return (
    <>
      <div class="tools">
        <Choice name={words.views} value={shown} choices={offered} choose={(value) => ask({ show: value === "steps" ? null : value })} />
        {execution.run > 1 && (shown === "steps" || shown === "outputs") && (
          <label class="inline">
            {words.onlyRun}
            <select value={query.value.get("run") ?? ""} onChange={(event) => ask({ run: event.currentTarget.value })}>
              <option value="">{words.allRuns}</option>
              {Array.from({ length: execution.run }, (_, index) => (
                <option value={String(index + 1)}>{index + 1}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      {views[shown]()}
    </>
  );
}
