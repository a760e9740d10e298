-- What is the same on all connections: the version as a number, and the schemas that plain names are looked for in.
select current_setting('server_version_num')::int4, current_schemas(false)::text[];
