// From page to page of a list that is longer than one: the address holds where a page begins.
import { ask, query } from "../router.ts";

/** Buttons to the next page and back to the first, where there are any. */
export function Pages({
  by,
  next,
  first,
  following,
}: {
  /** What the address calls the beginning of a page. */
  by: "before" | "after";
  /** Where the next page begins. */
  next: number | null | undefined;
  /** What the buttons say. */
  first: string;
  following: string;
}) {
  const isFirst = query.value.get(by) === null;
  if (isFirst && next == null) return null;
  return (
    <p class="pages">
      {!isFirst && (
        <button type="button" onClick={() => ask({ [by]: null }, "push")}>
          {first}
        </button>
      )}
      {next != null && (
        <button type="button" onClick={() => ask({ [by]: next }, "push")}>
          {following}
        </button>
      )}
    </p>
  );
}
