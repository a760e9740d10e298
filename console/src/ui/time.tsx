// Times and spans on the page: short to read, whole in the title.
import { now } from "../state/clock.ts";
import { common } from "../text/common.ts";
import { between, moment, span, whole } from "./format.ts";

/** When something was. */
export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={whole(at)}>
      {moment(at, now.value)}
    </time>
  );
}

/** How long ago something was; it goes on while one looks. */
export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={whole(at)}>
      {common().ago(span(between(at, now.value)))}
    </time>
  );
}

/** How long something lasts that has not ended. */
export function Since({ at }: { at: string }) {
  return (
    <time dateTime={at} title={whole(at)}>
      {span(between(at, now.value))}
    </time>
  );
}
