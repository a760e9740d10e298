// A dialog of the browser's own: it holds the keyboard, Escape closes it, and focus goes back to where it was.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { common } from "../text/common.ts";

export function Dialog({
  title,
  close,
  children,
  buttons,
}: {
  title: string;
  close: () => void;
  children: ComponentChildren;
  buttons?: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="plain" onClick={close} aria-label={common().close}>
            ×
          </button>
        </header>
        <div class="dialog-body">{children}</div>
        {buttons !== undefined && <footer>{buttons}</footer>}
      </div>
    </dialog>
  );
}
