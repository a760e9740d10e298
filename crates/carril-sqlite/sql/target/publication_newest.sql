-- The highest execution id that has published, or null. One row per execution and table, so a scan of it is short.
select max(execution_id) from main.carril_publication;
