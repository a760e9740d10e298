-- Whether an execution's rollback was begun by an engine that is over.
-- No parameters. Index: execution_rolling_back.
SELECT EXISTS (
  SELECT 1 FROM execution e
  WHERE e.rolling_back AND NOT EXISTS (SELECT 1 FROM node n WHERE n.id = e.node AND n.left_at IS NULL)
);
