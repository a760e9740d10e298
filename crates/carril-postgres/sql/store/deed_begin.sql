-- Writes down what is about to be done through a server.
-- $1 when (microseconds), $2 who, $3 role, $4 what, $5 from where. No index.
INSERT INTO deed (at, who, role, what, came_from) VALUES ($1::bigint, $2::text, $3::text, $4::text, $5::text)
RETURNING id;
