-- A later attempt's last statement; it must change exactly one row, else the attempt is fenced.
-- $1 execution, $2 run, $3 step, $4 part, $5 fence, $6 outcome, $7 whether the run has a workspace here, which must not be
-- gone, $8 the transaction that Carril began: in any other nothing is written. By the primary keys.
with lane as materialized (
    select from carril_target.workspace where execution_id = $1 and run = $2 and not gone for share
)
update carril_target.fence
set done_fence = $5, outcome = $6, done_at = clock_timestamp()
where execution_id = $1 and run = $2 and step = $3 and part = $4 and fence = $5 and done_fence is null
    and (not $7 or exists (select from lane)) and pg_current_xact_id() = $8::text::xid8
returning true;
