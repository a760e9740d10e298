-- Which of these names are functions that somebody wrote here and that may change something: $1 names in small letters. Functions
-- of extensions, and those that the server is promised change nothing, are left out.
select distinct p.proname::text
from pg_proc as p
join pg_language as l on l.oid = p.prolang
where p.proname = any ($1::text[]) and p.provolatile = 'v' and p.prokind in ('f', 'p')
    and l.lanname not in ('internal', 'c')
    and not exists (
        select from pg_depend as d
        where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    )
order by 1;
