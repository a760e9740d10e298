-- Lets every id from now on be above ?1. By primary key.
UPDATE sequence SET next = max(next, ?1 + 1) WHERE name = 'id';
