// Launch: which pipeline, with which parameters, for whom; first what it would do, then it is done.
import "../style/launch.css";
import { useEffect, useState } from "preact/hooks";
import { address, get, post, type Body } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import type { components } from "../api/schema.d.ts";
import { may } from "../api/token.ts";
import { ask, go, query } from "../router.ts";
import { useRead } from "../state/read.ts";
import { common } from "../text/common.ts";
import { asProblem } from "../ui/act.tsx";
import { cli, CopyAs, curl } from "../ui/copy.tsx";
import { count } from "../ui/format.ts";
import { Empty, Told, Trouble } from "../ui/told.tsx";
import { launchWords } from "./launch.text.ts";
import { keysOf, type Outline, type Parameter } from "./launch/outline.ts";

type LaunchBody = Body<"/api/v1/pipelines/{name}/launch">;

export function Launch() {
  const words = launchWords();
  const chosen = query.value.get("pipeline");
  const read = useRead("/api/v1/pipelines");
  return (
    <>
      <h1>{words.title}</h1>
      <Told read={read}>
        {({ pipelines }) =>
          pipelines.length === 0 ? (
            <Empty title={words.none}>{words.noneHelp}</Empty>
          ) : chosen === null && pipelines.length > 1 ? (
            <Pipelines pipelines={pipelines} />
          ) : (
            <Form key={chosen ?? pipelines[0]?.name ?? ""} name={chosen ?? pipelines[0]?.name ?? ""} isOnly={pipelines.length === 1} />
          )
        }
      </Told>
    </>
  );
}

function Pipelines({ pipelines }: { pipelines: readonly components["schemas"]["PipelineListed"][] }) {
  const words = launchWords();
  return (
    <>
      <p class="help">{words.choose}</p>
      <ul class="pipelines">
        {pipelines.map((pipeline) => (
          <li>
            <a class="strong" href={address("/launch", {}, { pipeline: pipeline.name })}>
              {pipeline.name}
            </a>
            {pipeline.description != null && <p>{pipeline.description}</p>}
            {pipeline.errors > 0 && <p class="tone-bad">{words.broken(count(pipeline.errors))}</p>}
          </li>
        ))}
      </ul>
    </>
  );
}

function Form({ name, isOnly }: { name: string; isOnly: boolean }) {
  const words = launchWords();
  const read = useRead("/api/v1/pipelines/{name}", { names: { name } });
  return (
    <Told read={read}>
      {(told) => (
        <>
          <p class="launch-title">
            <strong>{name}</strong> <span class="help">{(told as unknown as Outline).description}</span>{" "}
            {!isOnly && <a href="/launch">{words.others}</a>}
          </p>
          <Fields outline={told as unknown as Outline} />
        </>
      )}
    </Told>
  );
}

type Whom = "all" | "failed" | "pasted";

function Fields({ outline }: { outline: Outline }) {
  const words = launchWords();
  const whom = (query.value.get("whom") ?? "all") as Whom;
  const [values, setValues] = useState<Record<string, string>>(() => defaults(outline));
  const [pasted, setPasted] = useState("");
  const [except, setExcept] = useState("");
  const [lanes, setLanes] = useState("");
  const failed = useFailed(outline.name);
  const only = whom === "pasted" ? keysOf(pasted) : whom === "failed" ? (failed?.entities ?? []) : [];
  const body: LaunchBody = { params: paramsOf(outline, values) };
  if (only.length > 0) body.only = only;
  if (whom === "all" && keysOf(except).length > 0) body.except = keysOf(except);
  if (lanes !== "") body.lanes = Number(lanes);
  const isWhole = whom === "all" || only.length > 0;
  const change = (name: string, value: string): void => setValues((was) => ({ ...was, [name]: value }));
  return (
    <div class="launch">
      <form
        id="launch"
        onSubmit={(event) => {
          event.preventDefault();
        }}
      >
        {Object.keys(outline.params).length > 0 && (
          <fieldset>
            <legend>{words.params}</legend>
            {Object.entries(outline.params).map(([name, parameter]) => (
              <Field
                name={name}
                parameter={parameter}
                value={values[name] ?? ""}
                change={(value) => change(name, value)}
              />
            ))}
          </fieldset>
        )}
        <fieldset>
          <legend>{words.whom}</legend>
          {(["all", "failed", "pasted"] as const).map((one) => (
            <label class="check">
              <input
                type="radio"
                name="whom"
                checked={whom === one}
                onChange={() => ask({ whom: one === "all" ? null : one })}
              />
              {words[one]}
              {one === "failed" && failed !== null && failed.entities.length > 0 && (
                <span class="faint">{words.failedSome(count(failed.entities.length), String(failed.process))}</span>
              )}
            </label>
          ))}
          {whom === "failed" && failed !== null && failed.entities.length === 0 && <p class="help">{words.failedNone}</p>}
          {whom === "pasted" && (
            <label class="field">
              <span class="help">{words.pastedHelp}</span>
              <textarea rows={6} value={pasted} onInput={(event) => setPasted(event.currentTarget.value)} />
            </label>
          )}
          {whom === "all" && (
            <label class="field">
              {words.except} <span class="help">{words.exceptHelp}</span>
              <input value={except} onInput={(event) => setExcept(event.currentTarget.value)} />
            </label>
          )}
        </fieldset>
        <fieldset>
          <legend>{words.how}</legend>
          <label class="field">
            {words.lanes}
            <input
              type="number"
              min="1"
              value={lanes}
              placeholder={words.lanesDefault(outline.lanes_auto ? "auto" : count(outline.lanes))}
              onInput={(event) => setLanes(event.currentTarget.value)}
            />
          </label>
        </fieldset>
      </form>
      <div>
        <Look outline={outline} body={body} isWhole={isWhole} command={commandOf(outline, values, body)} />
        <Plan outline={outline} />
      </div>
    </div>
  );
}

function Field({
  name,
  parameter,
  value,
  change,
}: {
  name: string;
  parameter: Parameter;
  value: string;
  change: (value: string) => void;
}) {
  const words = launchWords();
  const isRequired = parameter.default === null || parameter.default === undefined;
  const kinds = { text: "text", integer: "number", number: "number", date: "date", boolean: "text" } as const;
  return (
    <label class="field">
      <span>
        <strong>{name}</strong> <span class="faint">{isRequired ? words.required : words.byDefault(String(parameter.default))}</span>
      </span>
      {parameter.description !== null && <span class="help">{parameter.description}</span>}
      {parameter.kind === "boolean" ? (
        <select value={value} onChange={(event) => change(event.currentTarget.value)}>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : (
        <input
          {...({ type: kinds[parameter.kind] } as { type: "text" })}
          step={parameter.kind === "number" ? "any" : undefined}
          required={isRequired}
          value={value}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
    </label>
  );
}

/** What would be launched, and the button that launches just that. */
function Look({ outline, body, isWhole, command }: { outline: Outline; body: LaunchBody; isWhole: boolean; command: string }) {
  const words = launchWords();
  const path = "/api/v1/pipelines/{name}/launch";
  const names = { name: outline.name };
  const asked = JSON.stringify(body);
  const [seen, setSeen] = useState<{ asked: string; preview: components["schemas"]["Preview"] } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [doing, setDoing] = useState(false);
  const [key, setKey] = useState(() => crypto.randomUUID?.() ?? String(Math.random()));
  const [note, setNote] = useState<string | null>(null);
  const isSeen = seen !== null && seen.asked === asked;

  const look = async (): Promise<void> => {
    setProblem(null);
    setNote(null);
    try {
      const told = (await post(path, names, { preview: true }, body)) as unknown as components["schemas"]["Done"];
      if (told.preview != null) setSeen({ asked, preview: told.preview });
      // What was seen is launched once, however often the button is pressed.
      setKey(crypto.randomUUID?.() ?? String(Math.random()));
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const launch = async (): Promise<void> => {
    setDoing(true);
    setProblem(null);
    try {
      const told = await post(path, names, {}, body, { "idempotency-key": `console-${key}` });
      if (told.outcome === "launched") go(`/processes/${told.process.id}`);
      else setNote(told.outcome === "skipped" ? words.skipped : words.repeated);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setDoing(false);
  };
  return (
    <section class="look" aria-live="polite">
      {problem !== null && <Trouble problem={problem} />}
      {note !== null && <p>{note}</p>}
      {seen !== null && (
        <>
          <p>
            <strong>{words.wouldBe(count(seen.preview.executions))}</strong>{" "}
            {body.only !== undefined && words.narrowed(count(body.only.length))}
          </p>
          {seen.preview.entities.length > 0 && (
            <p class="entities">
              <span class="faint">{words.among}: </span>
              {seen.preview.entities.map((entity) => (
                <code>{entity}</code>
              ))}
            </p>
          )}
          {!isSeen && <p class="tone-warn">{words.changed}</p>}
        </>
      )}
      <p class="look-buttons">
        <CopyAs command={command} request={curl("POST", address(path, names), body)} />
        <button type="button" class={isSeen ? "" : "main"} disabled={!isWhole} onClick={() => void look()}>
          {words.look}
        </button>
        <button
          type="button"
          class={isSeen ? "main" : ""}
          disabled={!isSeen || doing || !may("operator")}
          title={may("operator") ? undefined : common().needsOperator}
          onClick={() => void launch()}
        >
          {doing ? words.launching : words.launch}
        </button>
      </p>
    </section>
  );
}

function Plan({ outline }: { outline: Outline }) {
  const words = launchWords();
  return (
    <section class="plan">
      <h2>{words.plan}</h2>
      <ol>
        {outline.segments.map((segment) => (
          <li>
            <span class="faint">{segment.per === "entity" ? words.inLane : words.once}</span>
            <ul>
              {segment.stages.map((stage) => (
                <li>
                  {stage.name} <span class="faint">{words.stageSteps(stage.steps.length)}</span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </section>
  );
}

function defaults(outline: Outline): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(outline.params)) {
    const given = query.value.get(`param.${name}`);
    found[name] = given ?? (parameter.default === null || parameter.default === undefined ? "" : String(parameter.default));
  }
  return found;
}

/** Parameters as the API takes them: texts, of which the pipeline knows what they are; what is left empty is left out. */
function paramsOf(outline: Outline, values: Record<string, string>): Record<string, never> {
  const given = Object.keys(outline.params).filter((name) => (values[name] ?? "") !== "");
  return Object.fromEntries(given.map((name) => [name, values[name] as never]));
}

function commandOf(outline: Outline, values: Record<string, string>, body: LaunchBody): string {
  const params = Object.keys(outline.params).filter((name) => (values[name] ?? "") !== "");
  const words = ["run", outline.name, ...params.flatMap((name) => ["--set", `${name}=${values[name]}`])];
  for (const key of body.only ?? []) words.push("--only", key);
  for (const key of body.except ?? []) words.push("--except", key);
  if (body.lanes != null) words.push("--lanes", String(body.lanes));
  return cli(...words);
}

/** Entities of the pipeline's last process that failed or were cancelled; at most as many as a launch names sensibly. */
function useFailed(pipeline: string): { process: number; entities: string[] } | null {
  const [found, setFound] = useState<{ process: number; entities: string[] } | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    void failedOf(pipeline, abort.signal).then(setFound, () => {
      // Without it one pastes them.
    });
    return () => abort.abort();
  }, [pipeline]);
  return found;
}

async function failedOf(pipeline: string, signal: AbortSignal): Promise<{ process: number; entities: string[] }> {
  const { processes } = await get("/api/v1/processes", {}, { pipeline, limit: 1 }, signal);
  const last = processes[0];
  if (last === undefined) return { process: 0, entities: [] };
  const entities: string[] = [];
  let after: number | null = null;
  do {
    const page: components["schemas"]["Executions"] = await get(
      "/api/v1/processes/{id}/executions",
      { id: last.id },
      { state: ["failed", "cancelled"], limit: 500, after },
      signal,
    );
    for (const row of page.executions) if (row.entity != null) entities.push(row.entity);
    after = page.next ?? null;
  } while (after !== null);
  return { process: last.id, entities };
}
