-- Says how many executions the present segment has.
-- ?1 process, ?2 how many. By primary key.
UPDATE process SET open = ?2 WHERE id = ?1;
