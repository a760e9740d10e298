-- An engine enters.
-- ?1 host, ?2 operating system process id, ?3 command, ?4 now (microseconds).
INSERT INTO node (host, pid, command, entered_at, last_seen) VALUES (?1, ?2, ?3, ?4, ?4);
