-- Notes that an execution has published. $1 table with its schema, $2 execution, $3 lane (JSON), $4 now (microseconds since 1970, UTC).
insert into carril_target.publication (into_table, execution_id, lane, published_at)
values ($1, $2, $3, to_timestamp($4::double precision / 1000000))
on conflict (into_table, execution_id) do update set lane = excluded.lane, published_at = excluded.published_at;
