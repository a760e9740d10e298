-- Forgets all but the newest thousand changes of a process's lanes; how it began stays.
-- $1 process. By primary key.
DELETE FROM lanes_change
WHERE process_id = $1::bigint AND number > 0
  AND number <= (SELECT max(n.number) FROM lanes_change n WHERE n.process_id = $1::bigint) - 1000;
