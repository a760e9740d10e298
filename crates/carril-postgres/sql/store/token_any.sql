-- Whether any token was ever made.
-- No parameters. One row of the primary key.
SELECT EXISTS (SELECT 1 FROM token);
