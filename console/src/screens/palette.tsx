// The palette: `/` or Ctrl-K anywhere, then a few letters of a process, an entity, a pipeline, a resource or a view.
import { signal } from "@preact/signals";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { address, get } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { go } from "../router.ts";
import { routes } from "../routes.ts";
import { useRead } from "../state/read.ts";
import { common } from "../text/common.ts";
import { dictionary } from "../text/language.ts";
import { stateName } from "../text/states.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Shape, standing } from "../ui/state.tsx";

const words = dictionary({
  en: {
    title: "Go to",
    hint: "Process, entity, pipeline, resource…",
    view: "View",
    process: "Process",
    launch: "Launch",
    entity: "Entity",
    resource: "Resource",
    none: "Nothing is called that.",
    keys: "Arrows choose, Enter goes there, Escape closes.",
    found: (number: string) => `${number} found`,
  },
  es: {
    title: "Ir a",
    hint: "Proceso, entidad, pipeline, recurso…",
    view: "Vista",
    process: "Proceso",
    launch: "Lanzar",
    entity: "Entidad",
    resource: "Recurso",
    none: "Nada se llama así.",
    keys: "Las flechas eligen, Intro va allí, Escape cierra.",
    found: (number: string) => `${number} resultados`,
  },
});

/** Whether it is open. */
export const palette = signal(false);

document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select, [contenteditable]");
  const isSlash = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isK = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
  if ((!isSlash && !isK) || document.querySelector("dialog[open]") !== null) return;
  event.preventDefault();
  palette.value = true;
});

interface Hit {
  kind: string;
  name: string;
  more?: string;
  state?: string;
  to: string;
}

const SHOWN = 12;

export function Palette() {
  const told = words();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const hits = useHits(text.trim());
  const chosen = Math.min(at, hits.length - 1);
  const close = (): void => {
    palette.value = false;
  };
  const follow = (hit: Hit | undefined): void => {
    if (hit === undefined) return;
    close();
    // Focus goes to the view and not back to where it was.
    queueMicrotask(() => go(hit.to));
  };
  useEffect(() => input.current?.focus(), []);
  return (
    <Dialog title={told.title} close={close}>
      <input
        ref={input}
        class="palette-input"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={hits[chosen] === undefined ? undefined : `${list}-${chosen}`}
        aria-label={told.hint}
        placeholder={told.hint}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt((was) => Math.min(hits.length - 1, was + 1));
          else if (event.key === "ArrowUp") setAt((was) => Math.max(0, Math.min(was, hits.length - 1) - 1));
          else if (event.key === "Enter") follow(hits[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <ul class="palette" role="listbox" id={list} aria-label={told.title}>
        {hits.map((hit, index) => (
          <li
            key={hit.to}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerMove={() => setAt(index)}
            onClick={() => follow(hit)}
          >
            <span class="palette-kind">{hit.kind}</span>
            <span class="palette-name">{hit.name}</span>
            {hit.state !== undefined && (
              <span class="state">
                <Shape state={hit.state} /> {stateName(hit.state)}
              </span>
            )}
            {hit.more !== undefined && <span class="faint">{hit.more}</span>}
          </li>
        ))}
      </ul>
      <p class="help" role="status">
        {hits.length === 0 ? told.none : told.keys}
      </p>
    </Dialog>
  );
}

/** What is called so: views, processes, pipelines and resources by what they contain, entities by their whole key. */
function useHits(text: string): Hit[] {
  const told = words();
  const processes = useRead("/api/v1/processes", { query: { limit: 200 } }).data?.processes ?? [];
  const pipelines = useRead("/api/v1/pipelines").data?.pipelines ?? [];
  const resources = useRead("/api/v1/resources").data?.resources ?? [];
  const entities = useEntity(text);
  const wanted = text.toLocaleLowerCase();
  const isLike = (name: string): boolean => name.toLocaleLowerCase().includes(wanted);
  const hits: Hit[] = [...entities];
  for (const route of routes) {
    if (route.link === "bar" && isLike(route.title())) hits.push({ kind: told.view, name: route.title(), to: route.path });
  }
  for (const process of processes) {
    if (!isLike(`${process.id} ${process.pipeline} ${Object.values(process.params as object).join(" ")}`)) continue;
    hits.push({
      kind: told.process,
      name: `${process.pipeline} ${process.id}`,
      state: standing(process),
      more: Object.values(process.params as object).join(" "),
      to: `/processes/${process.id}`,
    });
  }
  for (const pipeline of pipelines) {
    if (isLike(pipeline.name)) {
      hits.push({ kind: told.launch, name: pipeline.name, to: address("/launch", {}, { pipeline: pipeline.name }) });
    }
  }
  for (const { resource } of resources) {
    if (isLike(resource)) hits.push({ kind: told.resource, name: resource, to: address("/resources/{name}", { name: resource }) });
  }
  return hits.slice(0, SHOWN);
}

/** The newest executions of an entity with just this key. */
function useEntity(key: string): Hit[] {
  const [found, setFound] = useState<{ key: string; hits: Hit[] }>({ key: "", hits: [] });
  useEffect(() => {
    if (key === "") return;
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      try {
        const { executions } = await get("/api/v1/entities/{key}/executions", { key }, { limit: 5 }, abort.signal);
        const hits = executions.map((row) => ({
          kind: words().entity,
          name: key,
          state: standing(row),
          more: `${common().process} ${row.process}`,
          to: address(`/processes/${row.process}`, {}, { entity: key }),
        }));
        setFound({ key, hits });
      } catch (error) {
        if (!abort.signal.aborted && !(error instanceof Problem)) throw error;
      }
    };
    const soon = setTimeout(() => void ask(), 150);
    return () => {
      clearTimeout(soon);
      abort.abort();
    };
  }, [key]);
  return found.key === key ? found.hits : [];
}
