-- One process as the store has it.
-- ?1 process. By primary keys.
SELECT * FROM process_row WHERE id = ?1;
