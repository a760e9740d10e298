-- Attempts of an execution. $1 execution, $2 run or null. By the primary key of step.
SELECT * FROM attempt_row WHERE execution_id = $1::bigint AND ($2::bigint IS NULL OR run = $2::bigint) ORDER BY run, step, attempt;
