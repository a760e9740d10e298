-- The schema of Carril's own tables.
create schema carril_target;
