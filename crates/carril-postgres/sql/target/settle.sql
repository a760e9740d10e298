-- Takes from a session what SQL of a user's may have left on it: settings, roles, locks, temporary tables, channels.
set session authorization default;
reset all;
unlisten *;
select pg_advisory_unlock_all();
discard temp;
discard sequences;
