-- Notes that an execution has published. ?1 table in small letters, ?2 execution, ?3 lane (JSON), ?4 now (RFC 3339, UTC).
insert into main.carril_publication (into_table, execution_id, lane, published_at)
values (?1, ?2, ?3, ?4)
on conflict (into_table, execution_id) do update set lane = excluded.lane, published_at = excluded.published_at;
