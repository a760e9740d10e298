-- Who may ask a server for what, and what was asked through one.
CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,     -- SHA-256 of the secret, hexadecimal
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX token_of_name ON token (name) WHERE revoked_at IS NULL;

CREATE TABLE deed (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  what TEXT NOT NULL,
  came_from TEXT NOT NULL,
  status INTEGER,                -- null while it is under way
  code TEXT
) STRICT;
