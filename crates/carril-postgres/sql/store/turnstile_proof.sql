-- One row if this still is the transaction that its beginning gave the number of, and it can be committed: the last statement of every
-- transaction that writes. $1 the number.
SELECT 1 WHERE pg_current_xact_id_if_assigned()::text = $1::text;
