// "Copy as CLI" and "copy as curl": what a button does, as somebody types it.
import { useState } from "preact/hooks";
import { token } from "../api/token.ts";
import { common } from "../text/common.ts";
import { quoted } from "./format.ts";

/** A request as curl takes it. The token is named, not told. */
export function curl(method: string, url: string, body?: unknown): string {
  const words = ["curl"];
  if (method !== "GET") words.push("-X", method);
  words.push(quoted(new URL(url, window.location.origin).href));
  if (token.value !== null) words.push("-H", '"Authorization: Bearer $CARRIL_TOKEN"');
  if (body !== undefined) words.push("-H", "'content-type: application/json'", "-d", quoted(JSON.stringify(body)));
  return words.join(" ");
}

/** A `carril` command of its words. */
export function cli(...words: readonly (string | number)[]): string {
  return ["carril", ...words.map((word) => quoted(String(word)))].join(" ");
}

async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Pages that came over plain HTTP have no clipboard; a selection can be copied all the same.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A button that copies a text, which its title shows. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  return (
    <button
      type="button"
      class="plain copy"
      title={text}
      onClick={() => {
        void toClipboard(text).then(() => {
          setDone(true);
          setTimeout(() => setDone(false), 1_500);
        });
      }}
    >
      <span aria-live="polite">{done ? common().copied : label}</span>
    </button>
  );
}

/** Both at once. */
export function CopyAs({ command, request }: { command?: string | undefined; request: string }) {
  const words = common();
  return (
    <span class="copy-as">
      {command !== undefined && <Copy text={command} label={words.copyCli} />}
      <Copy text={request} label={words.copyCurl} />
    </span>
  );
}
