-- A restored store gives out no id that was given out after its backup. ?1 the next one. By primary key.
UPDATE sequence SET next = max(next, ?1) WHERE name = 'id';
