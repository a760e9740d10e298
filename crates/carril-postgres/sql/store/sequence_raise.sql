-- Lets every id from now on be above $1. By primary key.
UPDATE sequence SET next = greatest(next, $1::bigint + 1) WHERE name = 'id';
