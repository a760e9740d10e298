// What stands where data would: that they are being read, that there are none, or why they cannot be had.
import type { ComponentChildren } from "preact";
import type { Problem } from "../api/problem.ts";
import type { Read } from "../state/read.ts";
import { common } from "../text/common.ts";

/** A problem with its code and what would be right. */
export function Trouble({ problem, again }: { problem: Problem; again?: (() => void) | undefined }) {
  const words = common();
  return (
    <div class="trouble" role="alert">
      <p>
        {problem.code !== null && <code class="code">{problem.code}</code>}{" "}
        {problem.isAway ? words.away : problem.detail}
      </p>
      {problem.isAway ? <p class="help">{words.awayHelp}</p> : problem.help !== null && <p class="help">{problem.help}</p>}
      {problem.findings.length > 0 && (
        <ul class="findings">
          {problem.findings.map((finding) => (
            <li>
              <code class="code">{finding.code}</code> {finding.message}
              {finding.file != null && (
                <span class="faint">
                  {" "}
                  {finding.file}
                  {finding.line != null && `:${finding.line}`}
                </span>
              )}
              {finding.help != null && <span class="help"> {finding.help}</span>}
            </li>
          ))}
        </ul>
      )}
      {again !== undefined && (
        <button type="button" onClick={again}>
          {words.again}
        </button>
      )}
    </div>
  );
}

/** Nothing is there, and what one could do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p>{title}</p>
      {children !== undefined && <p class="help">{children}</p>}
    </div>
  );
}

/** Data once they are there. A problem with newer ones stands above the old ones. */
export function Told<Data>({ read, children }: { read: Read<Data>; children: (data: Data) => ComponentChildren }) {
  return (
    <>
      {read.problem !== null && <Trouble problem={read.problem} again={read.again} />}
      {read.data !== null && children(read.data)}
      {read.data === null && read.problem === null && (
        <p class="reading" role="status">
          {common().loading}
        </p>
      )}
    </>
  );
}
