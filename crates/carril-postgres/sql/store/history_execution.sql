-- One execution. $1 execution. By primary key.
SELECT * FROM execution_row WHERE id = $1::bigint;
