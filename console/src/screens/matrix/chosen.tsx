// What is chosen in the matrix, in words, and what can be done with it. A person who does not see the picture works with this.
import { useState } from "preact/hooks";
import { may } from "../../api/token.ts";
import { useRead } from "../../state/read.ts";
import { stateName } from "../../text/states.ts";
import { Act, type Deed } from "../../ui/act.tsx";
import { cli } from "../../ui/copy.tsx";
import { count } from "../../ui/format.ts";
import { Shape } from "../../ui/state.tsx";
import { matrixWords } from "../matrix.text.ts";
import type { Marked } from "./paint.ts";
import { cellState, isOpen, type Matrix, type Row } from "./rows.ts";
import { told } from "./words.ts";

/** Entities that the API lets one name in a request. */
const NAMED_MAX = 1_000;

type Doing = "retry" | "from" | "cancel" | "rollback";

export function Chosen({
  process,
  rows,
  stages,
  marked,
  cursor,
  letGo,
  done,
}: {
  process: string;
  /** The rows of the block. */
  rows: readonly Row[];
  stages: Matrix["stages"];
  marked: Marked;
  /** The row under the cursor. */
  cursor: Row;
  letGo: () => void;
  done: () => void;
}) {
  const words = matrixWords();
  const [doing, setDoing] = useState<Doing | null>(null);
  const stage = stages[marked.stage]?.name ?? "";
  const from = stages[marked.left];
  const state = cellState(cursor, marked.stage);
  const deeds = deedsFor(process, rows, from);
  const tooMany = rows.length > NAMED_MAX;
  return (
    <section class="chosen" aria-label={words.execution}>
      <p class="chosen-what" role="status">
        {rows.length > 1 && <strong>{words.chosen(count(rows.length))} · </strong>}
        <strong class="chosen-name">{cursor.entity ?? words.own}</strong>
        {state !== null && (
          <span class="state">
            <Shape state={state} /> {words.at(stage, stateName(state))}
          </span>
        )}
        <span class="faint">{told(cursor)}</span>
        {cursor.run > 1 && <span class="faint">{words.run(String(cursor.run))}</span>}
        <a href={`/executions/${cursor.id}`}>{words.execution}</a>
      </p>
      <Why row={cursor} />
      {may("operator") && (
        <p class="chosen-deeds">
          {tooMany
            ? words.tooMany
            : deeds.map(([which, deed]) => (
                <button type="button" onClick={() => setDoing(which)}>
                  {deed.title}
                </button>
              ))}
          <button type="button" class="plain" onClick={letGo}>
            {words.letGo}
          </button>
        </p>
      )}
      {deeds.map(
        ([which, deed]) =>
          which === doing && (
            <Act
              deed={deed}
              close={(answer) => {
                setDoing(null);
                if (answer !== null) done();
              }}
            />
          ),
      )}
    </section>
  );
}

/** The sentence of `why`, where there is something to explain. */
function Why({ row }: { row: Row }) {
  const isWorth = isOpen(row) || row.state === "failed";
  const read = useRead(isWorth ? "/api/v1/why/{subject}" : null, {
    names: { subject: row.id },
    query: {},
    on: (event) => "execution" in event && event.execution === row.id,
  });
  if (!isWorth || read.data === null) return null;
  return <p class="chosen-why">{read.data.sentence}</p>;
}

/** What makes sense for these rows. */
function deedsFor(process: string, rows: readonly Row[], from: Matrix["stages"][number] | undefined): [Doing, Deed][] {
  const words = matrixWords();
  const names = { id: process };
  const ours = rows.filter((row): row is Row & { entity: string } => row.entity !== null);
  const keys = (wanted: (row: Row) => boolean): string[] => ours.filter(wanted).map((row) => row.entity);
  const broken = keys((row) => row.state === "failed" || row.state === "cancelled");
  const settled = keys((row) => !isOpen(row));
  const open = keys((row) => isOpen(row) && row.leaving === null);
  const removable = keys((row) => !isOpen(row) && row.state !== "rolled_back" && row.state !== "skipped");
  const named = (entities: readonly string[]): string[] => entities.flatMap((entity) => ["--entity", entity]);
  const deeds: [Doing, Deed][] = [];
  const offer = (
    which: Doing,
    does: "retry" | "cancel" | "rollback",
    entities: readonly string[],
    texts: Pick<Deed, "title" | "about">,
    beside: Readonly<Record<string, string>> = {},
  ): void => {
    if (entities.length === 0) return;
    const more = Object.entries(beside).flatMap(([name, value]) => [`--${name}`, value]);
    const deed: Deed<`/api/v1/processes/{id}/${typeof does}`> = {
      path: `/api/v1/processes/{id}/${does}`,
      names,
      body: { entities: [...entities], ...beside },
      command: cli(does, "--process", process, ...named(entities), ...more),
      grave: does !== "retry",
      ...texts,
    };
    deeds.push([which, deed as Deed]);
  };
  offer("retry", "retry", broken, { title: words.retry, about: words.retryAbout });
  if (from !== undefined) {
    const texts = { title: words.retryFrom(from.name), about: words.retryFromAbout(from.name) };
    offer("from", "retry", settled, texts, { from: from.first });
  }
  offer("cancel", "cancel", open, { title: words.cancel, about: words.cancelAbout });
  offer("rollback", "rollback", removable, { title: words.rollback, about: words.rollbackAbout });
  return deeds;
}
