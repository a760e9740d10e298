// A dialog for what has no preview on the server: it says what will happen, takes what is typed in, and does it once.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Problem } from "../api/problem.ts";
import { common } from "../text/common.ts";
import { asProblem } from "./act.tsx";
import { CopyAs } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";
import { Trouble } from "./told.tsx";

export function Confirm({
  title,
  about,
  grave,
  ready = true,
  command,
  request,
  act,
  close,
  children,
}: {
  title: string;
  about: string;
  /** Whether it takes something away. */
  grave?: boolean;
  /** Whether all is there that it needs. */
  ready?: boolean;
  command?: string;
  request: string;
  act: () => Promise<void>;
  close: () => void;
  children?: ComponentChildren;
}) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [doing, setDoing] = useState(false);
  const confirm = async (): Promise<void> => {
    setDoing(true);
    setProblem(null);
    try {
      await act();
    } catch (error) {
      setProblem(asProblem(error));
      setDoing(false);
    }
  };
  return (
    <Dialog
      title={title}
      close={close}
      buttons={
        <>
          <CopyAs command={command} request={request} />
          <button type="button" onClick={close}>
            {common().cancel}
          </button>
          <button type="button" class={grave === true ? "grave" : "main"} disabled={doing || !ready} onClick={() => void confirm()}>
            {title}
          </button>
        </>
      }
    >
      <p>{about}</p>
      {children}
      {problem !== null && <Trouble problem={problem} />}
    </Dialog>
  );
}
