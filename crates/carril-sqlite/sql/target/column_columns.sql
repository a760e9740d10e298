-- The columns of a table of the main file in order; `hidden` is 0 for those that can be inserted into, `pk` the place in the primary key.
-- ?1 table.
select name, type, hidden, pk from pragma_table_xinfo(?1, 'main') order by cid;
