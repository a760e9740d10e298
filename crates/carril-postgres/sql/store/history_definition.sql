-- The definition of a process. $1 process. By primary key.
SELECT d.body FROM process p JOIN definition d ON d.id = p.definition_id WHERE p.id = $1::bigint;
