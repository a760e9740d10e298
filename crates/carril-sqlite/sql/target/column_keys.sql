-- The columns of every index of a table of the main file, index by index; a column without a name is an expression. `origin` is c for
-- those that somebody made, u and pk for those of constraints. ?1 table.
select l.name, l.origin, l."unique", l.partial, x.name
from pragma_index_list(?1, 'main') as l
cross join pragma_index_xinfo(l.name, 'main') as x
where x.key = 1
order by l.seq, x.seqno;
