-- The server's process for a connection, by which its sessions, locks and notices are known.
SELECT pg_backend_pid();
