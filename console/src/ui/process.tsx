// The frame of every view of a process: what it is, how far, what can be done with it, and the other views. The view itself is handed
// the process; it reads what else it needs.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Got } from "../api/client.ts";
import { may } from "../api/token.ts";
import { path } from "../router.ts";
import { routes } from "../routes.ts";
import { processWords } from "../screens/process.text.ts";
import { useRead } from "../state/read.ts";
import { causeName } from "../text/states.ts";
import { Act, type Deed, Offered } from "./act.tsx";
import { cli } from "./copy.tsx";
import { count, span } from "./format.ts";
import { Bar, Numbers } from "./progress.tsx";
import { standing, State } from "./state.tsx";
import { Moment, Since } from "./time.tsx";
import { Told } from "./told.tsx";

export type OneProcess = Got<"/api/v1/processes/{id}">;

/** The process of the address, kept up to date, and below it the view. */
export function ProcessFrame({
  names,
  children,
}: {
  names: Record<string, string>;
  children: (one: OneProcess) => ComponentChildren;
}) {
  const id = Number(names["id"]);
  const read = useRead("/api/v1/processes/{id}", {
    names: { id: names["id"] },
    process: Number.isNaN(id) ? null : id,
    on: (event) => event.event !== "stale" && "process" in event && event.process === id,
  });
  return (
    <Told read={read}>
      {(one) => (
        <>
          <Head one={one} again={read.again} />
          <Tabs id={names["id"] ?? ""} />
          {children(one)}
        </>
      )}
    </Told>
  );
}

function Tabs({ id }: { id: string }) {
  const words = processWords();
  const tabs = routes.filter((route) => route.link === "process");
  if (tabs.length < 2) return null;
  return (
    <nav class="tabs" aria-label={words.tabs}>
      {tabs.map((route) => {
        const to = route.path.replace(":id", encodeURIComponent(id));
        return (
          <a href={to} aria-current={path.value === to ? "page" : undefined}>
            {route.title()}
          </a>
        );
      })}
    </nav>
  );
}

function Head({ one, again }: { one: OneProcess; again: () => void }) {
  const words = processWords();
  const { process } = one;
  return (
    <header class="head">
      <div class="head-line">
        <h1>
          {process.pipeline} <span class="faint">{process.id}</span>
        </h1>
        <State state={standing(process)} />
        <Actions one={one} again={again} />
      </div>
      {process.reason != null && <p class="head-reason">{process.reason}</p>}
      <div class="head-progress">
        <Bar tally={process.entities} />
        <Numbers tally={process.entities} />
      </div>
      <p class="facts">
        <span>
          <Moment at={process.launched_at} /> {words.launchedBy} {process.launched_by}
        </span>
        <span>
          {process.ended_at == null ? <Since at={process.launched_at} /> : span(process.duration_micros)}
        </span>
        <span>{words.lanes(count(process.lanes))}</span>
        {Object.entries(process.params as Record<string, unknown>).map(([name, value]) => (
          <code>
            {name}={typeof value === "string" ? value : JSON.stringify(value)}
          </code>
        ))}
        {process.waits_for_process != null && (
          <span>
            {words.waitsFor} <a href={`/processes/${process.waits_for_process}`}>{process.waits_for_process}</a>
          </span>
        )}
        {one.imported != null && (
          <span>
            {words.imported} {one.imported.source} {one.imported.key}
          </span>
        )}
      </p>
      <Standing one={one} />
    </header>
  );
}

/** What its executions are at, and what went wrong so far: only what is not zero. */
function Standing({ one }: { one: OneProcess }) {
  const words = processWords();
  const { report } = one;
  const causes = Object.entries(one.causes).sort(([, left], [, right]) => right - left);
  const trouble: [string, number][] = [
    [words.deadlocks, report.deadlocks],
    [words.lockTimeouts, report.lock_timeouts],
    [words.timeouts, report.timeouts],
    [words.retries, report.retries],
  ];
  const seen = trouble.filter(([, number]) => number > 0);
  return (
    <>
      {causes.length > 0 && (
        <ul class="causes" aria-label={words.now}>
          {causes.map(([cause, number]) => (
            <li class={`cause cause-${cause}`}>
              <strong>{count(number)}</strong> {causeName(cause)}
            </li>
          ))}
        </ul>
      )}
      {(seen.length > 0 || report.goal?.duration_reached === false || report.baseline?.alert === true) && (
        <ul class="causes is-trouble" aria-label={words.trouble}>
          {seen.map(([name, number]) => (
            <li>
              <strong>{count(number)}</strong> {name}
            </li>
          ))}
          {report.goal?.duration_reached === false && <li>{words.lateGoal}</li>}
        </ul>
      )}
    </>
  );
}

type Doing = "pause" | "resume" | "retry" | "cancel" | "rollback";

function Actions({ one, again }: { one: OneProcess; again: () => void }) {
  const words = processWords();
  const [doing, setDoing] = useState<Doing | null>(null);
  const { process } = one;
  const { entities } = process;
  const isOpen = process.ended_at == null;
  const offered: readonly [Doing, boolean][] = [
    ["pause", process.state === "running" && !process.cancelling],
    ["resume", process.state === "paused"],
    ["retry", entities.failed + entities.cancelled > 0],
    ["cancel", isOpen && !process.cancelling],
    ["rollback", !isOpen && process.state !== "rolled_back"],
  ];
  if (!may("operator")) return null;
  return (
    <span class="actions">
      <Offered offered={offered} titles={words} choose={setDoing} />
      {doing !== null && (
        <Act
          deed={deedOf(doing, process.id)}
          close={(done) => {
            setDoing(null);
            if (done !== null) again();
          }}
        />
      )}
    </span>
  );
}

function deedOf(doing: Doing, id: number): Deed {
  const words = processWords();
  const names = { id };
  switch (doing) {
    case "pause":
      return { path: "/api/v1/processes/{id}/pause", names, title: words.pause, about: words.pauseAbout, command: cli("pause", id) };
    case "resume":
      return { path: "/api/v1/processes/{id}/resume", names, title: words.resume, about: words.resumeAbout, command: cli("resume", id) };
    case "retry":
      return {
        path: "/api/v1/processes/{id}/retry",
        names,
        body: { failed: true },
        title: words.retry,
        about: words.retryAbout,
        command: cli("retry", "--process", id, "--failed"),
      };
    case "cancel":
      return {
        path: "/api/v1/processes/{id}/cancel",
        names,
        title: words.cancel,
        about: words.cancelAbout,
        command: cli("cancel", id),
        grave: true,
      };
    case "rollback":
      return {
        path: "/api/v1/processes/{id}/rollback",
        names,
        title: words.rollback,
        about: words.rollbackAbout,
        command: cli("rollback", id),
        grave: true,
      };
  }
}
