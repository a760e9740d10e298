// Why something failed: code, what is wrong, what the database says, and where.
import type { components } from "../../api/schema.d.ts";
import { executionWords } from "../execution.text.ts";

type StepError = components["schemas"]["StepError"];

export function Fault({ error, step }: { error: StepError | null | undefined; step?: string | null | undefined }) {
  const words = executionWords();
  if (error == null) return null;
  return (
    <div class="trouble">
      <p class="step-error">
        <code class="code">{error.code}</code> {step != null && <strong>{step}: </strong>}
        {error.message}
      </p>
      <p class="facts">
        {error.place != null && (
          <span>
            {words.place} <code>{error.place}</code>
          </span>
        )}
        <span>
          {words.class} {error.class}
        </span>
        {error.native != null && (
          <span>
            {words.native} <code>{error.native}</code>
          </span>
        )}
      </p>
    </div>
  );
}
