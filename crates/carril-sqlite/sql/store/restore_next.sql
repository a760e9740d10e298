-- The next id that a store would give out. By primary key.
SELECT next FROM sequence WHERE name = 'id';
