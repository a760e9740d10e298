-- Waits for a launch's turn, until the end of the launch before: ids are given out in the order of commits. No parameters. By primary key.
SELECT next FROM sequence WHERE name = 'id' FOR UPDATE;
