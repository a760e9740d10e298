-- Takes everything of the first schema away; what is left is an empty schema that is nobody's.
DROP VIEW breaker_changes, breakers, trace, waits, steps, executions, processes, attempt_row, execution_row, process_row;
DROP FUNCTION moment(bigint);
DROP TABLE baseline, breaker_history, breaker, request, signal, wake_key, run_history, wait, step_log, step_detail, step, entity,
  execution, tally, process, definition_step, definition, node, sequence;
