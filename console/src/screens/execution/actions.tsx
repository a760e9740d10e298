// What can be done with an execution: each with a preview first.
import { useState } from "preact/hooks";
import type { Body, Got } from "../../api/client.ts";
import { may } from "../../api/token.ts";
import { Act, type Deed, Offered } from "../../ui/act.tsx";
import { cli } from "../../ui/copy.tsx";
import { executionWords } from "../execution.text.ts";

type OneExecution = Got<"/api/v1/executions/{id}">["execution"];
type Doing = "cancel" | "retry" | "rollback" | "send";

const OPEN = ["pending", "running", "waiting", "paused"];

export function Actions({ execution, again }: { execution: OneExecution; again: () => void }) {
  const words = executionWords();
  const [doing, setDoing] = useState<Doing | null>(null);
  if (!may("operator")) return null;
  const isOpen = OPEN.includes(execution.state);
  const isBusy = execution.cancelling || execution.rolling_back;
  const offered: readonly [Doing, boolean][] = [
    ["send", isOpen],
    ["retry", !isOpen && execution.state !== "succeeded" && execution.state !== "skipped" && !isBusy],
    ["cancel", isOpen && !isBusy],
    ["rollback", !isOpen && execution.state !== "rolled_back" && !isBusy],
  ];
  const close = (done: unknown): void => {
    setDoing(null);
    if (done !== null) again();
  };
  return (
    <span class="actions">
      <Offered offered={offered} titles={words} choose={setDoing} />
      {doing === "send" && <Send execution={execution} close={close} />}
      {doing === "retry" && <Retry execution={execution} close={close} />}
      {(doing === "cancel" || doing === "rollback") && <Act deed={deedOf(doing, execution.id)} close={close} />}
    </span>
  );
}

function deedOf(doing: "cancel" | "rollback", id: number): Deed {
  const words = executionWords();
  return {
    path: `/api/v1/executions/{id}/${doing}`,
    names: { id },
    title: words[doing],
    about: doing === "cancel" ? words.cancelAbout : words.rollbackAbout,
    command: cli(doing, id),
    grave: true,
  };
}

function Retry({ execution, close }: { execution: OneExecution; close: (done: unknown) => void }) {
  const words = executionWords();
  const { id } = execution;
  const [from, setFrom] = useState("");
  const step = from.trim();
  return (
    <Act
      deed={{
        path: "/api/v1/executions/{id}/retry",
        names: { id },
        body: step === "" ? {} : { from: step },
        title: words.retry,
        about: words.retryAbout,
        command: cli("retry", id, ...(step === "" ? [] : ["--from", step])),
      }}
      close={close}
    >
      <label class="field">
        {words.from}
        <input value={from} placeholder={execution.failed_step ?? "stage/step"} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
    </Act>
  );
}

function Send({ execution, close }: { execution: OneExecution; close: (done: unknown) => void }) {
  const words = executionWords();
  const { id, cause } = execution;
  // What it waits for is what one most likely wants to send.
  const [name, setName] = useState(cause?.kind === "signal" ? (cause.about ?? "") : "");
  const [text, setText] = useState("");
  let data: unknown = null;
  let isJson = true;
  try {
    data = text.trim() === "" ? null : JSON.parse(text);
  } catch {
    isJson = false;
  }
  const body = { name: name.trim(), data } as Body<"/api/v1/executions/{id}/signal">;
  return (
    <Act
      deed={{
        path: "/api/v1/executions/{id}/signal",
        names: { id },
        body,
        title: words.send,
        about: words.sendAbout,
        command: cli("signal", id, name.trim() === "" ? "NAME" : name.trim(), ...(data === null ? [] : ["--data", JSON.stringify(data)])),
      }}
      ready={isJson && name.trim() !== ""}
      close={close}
    >
      <label class="field">
        {words.name}
        <input value={name} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <label class="field">
        {words.json}
        <textarea rows={4} value={text} aria-invalid={!isJson} onInput={(event) => setText(event.currentTarget.value)} />
        {!isJson && <span class="tone-bad">{words.badJson}</span>}
      </label>
    </Act>
  );
}
