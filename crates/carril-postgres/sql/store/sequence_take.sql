-- Takes a block of ids and gives the number after its last.
-- $1 how many. By primary key.
UPDATE sequence SET next = next + $1::bigint WHERE name = 'id' RETURNING next;
