-- Writes down what is about to be done through a server.
-- ?1 when (microseconds), ?2 who, ?3 role, ?4 what, ?5 from where. No index.
INSERT INTO deed (at, who, role, what, came_from) VALUES (?1, ?2, ?3, ?4, ?5)
RETURNING id;
