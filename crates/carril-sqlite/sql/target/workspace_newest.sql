-- The highest execution id with rows in tables that executions share, or null. One row per workspace, so a scan of it is short.
select max(execution_id) from main.carril_workspace;
