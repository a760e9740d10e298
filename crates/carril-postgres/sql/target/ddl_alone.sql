-- Lets one session at a time make Carril's tables, views and schemas: two who make the same would fail each other. Until the
-- end of the transaction. The number stands for Carril's DDL on a target and for nothing else.
select pg_advisory_xact_lock(4846128873017541);
