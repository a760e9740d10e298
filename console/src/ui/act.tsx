// Doing something to processes: first the server says what would be touched, then somebody says yes, then it is done. One dialog for all.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { address, post, type Body, type PostPath, type Posted, type Values } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { components } from "../api/schema.d.ts";
import { session } from "../api/token.ts";
import { common } from "../text/common.ts";
import { dictionary } from "../text/language.ts";
import { CopyAs, curl } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { count } from "./format.ts";
import { Table } from "./table.tsx";
import { Trouble } from "./told.tsx";

const words = dictionary({
  en: {
    asking: "Looking what would be touched…",
    executions: (number: string) => `${number} executions are touched.`,
    one: "One execution is touched.",
    nothing: "No execution is touched.",
    stages: "Stages of the process itself run again or are undone too.",
    kept: (number: string) => `${number} steps are kept as they are.`,
    among: "Among them",
    rows: "Rows that are removed",
    table: "Table",
    count: "Rows",
    doing: "Working…",
  },
  es: {
    asking: "Viendo qué se tocaría…",
    executions: (number: string) => `Se tocan ${number} ejecuciones.`,
    one: "Se toca una ejecución.",
    nothing: "No se toca ninguna ejecución.",
    stages: "También se repiten o deshacen etapas del proceso mismo.",
    kept: (number: string) => `${number} pasos quedan como están.`,
    among: "Entre ellas",
    rows: "Filas que se eliminan",
    table: "Tabla",
    count: "Filas",
    doing: "En ello…",
  },
});

type Done = components["schemas"]["Done"];
type Preview = components["schemas"]["Preview"];

/** Something that can be done, as the API takes it and as the command line says it. */
export interface Deed<Path extends PostPath = PostPath> {
  path: Path;
  names: Values;
  body?: Body<Path>;
  /** The command that does the same. */
  command?: string;
  /** What it is called, as on a button. */
  title: string;
  /** What it does, in a sentence. */
  about: string;
  /** Whether it takes something away. */
  grave?: boolean;
}

/** What the server says would be touched. */
export function Touched({ preview }: { preview: Preview }) {
  const told = words();
  const { executions, entities, rows } = preview;
  return (
    <div class="touched">
      <p>
        <strong>
          {executions === 0 ? told.nothing : executions === 1 ? told.one : told.executions(count(executions))}
        </strong>{" "}
        {preview.process_stages === true && told.stages}{" "}
        {preview.steps_kept != null && preview.steps_kept > 0 && told.kept(count(preview.steps_kept))}
      </p>
      {entities.length > 0 && (
        <p class="entities">
          <span class="faint">{told.among}: </span>
          {entities.map((entity) => (
            <code>{entity}</code>
          ))}
        </p>
      )}
      {rows != null && rows.length > 0 && (
        <Table
          name={told.rows}
          rows={rows as components["schemas"]["Removed"][]}
          id={(row) => row.table}
          columns={[
            { head: told.table, cell: (row) => <code>{row.table}</code>, kind: "wide" },
            { head: told.count, cell: (row) => count(row.rows), kind: "number" },
          ]}
        />
      )}
    </div>
  );
}

/** A button for each that is offered. */
export function Offered<Doing extends string>({
  offered,
  titles,
  choose,
}: {
  offered: readonly [Doing, boolean][];
  titles: Record<Doing, string>;
  choose: (doing: Doing) => void;
}) {
  return offered.map(
    ([which, isOffered]) =>
      isOffered && (
        <button type="button" onClick={() => choose(which)}>
          {titles[which]}
        </button>
      ),
  );
}

/** Shows what a deed would touch, and does it when told to. `close` hears whether it was done. */
export function Act<Path extends PostPath>({
  deed,
  ready = true,
  close,
  children,
}: {
  deed: Deed<Path>;
  /** Whether what was typed in can be sent. */
  ready?: boolean;
  close: (done: Posted<Path> | null) => void;
  children?: ComponentChildren;
}) {
  const [preview, setPreview] = useState<Done | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [doing, setDoing] = useState(false);
  const url = address(deed.path, deed.names);
  const asked = JSON.stringify([url, deed.body ?? {}, session.value]);

  useEffect(() => {
    let mine = true;
    setPreview(null);
    setProblem(null);
    post(deed.path, deed.names, { preview: true }, deed.body).then(
      (told) => mine && setPreview(told as Done),
      (error: unknown) => mine && setProblem(asProblem(error)),
    );
    return () => {
      mine = false;
    };
  }, [asked]);

  const confirm = async (): Promise<void> => {
    setDoing(true);
    try {
      close(await post(deed.path, deed.names, {}, deed.body));
    } catch (error) {
      setProblem(asProblem(error));
      setDoing(false);
    }
  };
  return (
    <Dialog
      title={deed.title}
      close={() => close(null)}
      buttons={
        <>
          <CopyAs command={deed.command} request={curl("POST", url, deed.body)} />
          <button type="button" onClick={() => close(null)}>
            {common().cancel}
          </button>
          <button
            type="button"
            class={deed.grave === true ? "grave" : "main"}
            disabled={doing || !ready || preview === null}
            onClick={() => void confirm()}
          >
            {doing ? words().doing : deed.title}
          </button>
        </>
      }
    >
      <p>{deed.about}</p>
      {children}
      {problem !== null && <Trouble problem={problem} />}
      {preview === null && problem === null && (
        <p class="reading" role="status">
          {words().asking}
        </p>
      )}
      {preview?.preview != null && <Touched preview={preview.preview} />}
    </Dialog>
  );
}

/** A problem of whatever was thrown; what is none is a bug of ours and is thrown on. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}
