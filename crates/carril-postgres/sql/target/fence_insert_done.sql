-- A first attempt's only fence write, the last statement of its transaction; no row means fenced.
-- $1 execution, $2 run, $3 step, $4 part, $5 fence, $6 outcome, $7 whether the run has a workspace here, which must not be
-- gone, $8 the transaction that Carril began: in any other nothing is written. By the primary keys.
with lane as materialized (
    select from carril_target.workspace where execution_id = $1 and run = $2 and not gone for share
)
insert into carril_target.fence (execution_id, run, step, part, fence, done_fence, outcome, done_at)
select $1, $2, $3, $4, $5, $5, $6, clock_timestamp()
where (not $7 or exists (select from lane)) and pg_current_xact_id() = $8::text::xid8
on conflict (execution_id, run, step, part) do nothing
returning true;
