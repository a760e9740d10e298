-- The highest execution id in Carril's own tables, 0 where they are empty. By their primary keys, and the index by execution.
select greatest(
    (select max(execution_id) from carril_target.fence),
    (select max(execution_id) from carril_target.publication),
    (select max(execution_id) from carril_target.workspace),
    0
);
