-- The highest execution id with a fence row, or null. By the primary key.
select max(execution_id) from main.carril_fence;
