-- Keeps a state that a breaker came into, once: rows that only count more in the same state say nothing new,
-- nor does another row of the same change: what is kept already stands, and the group that brought it goes on.
-- ?1 resource, ?2 since (microseconds), ?3 change, ?4 state, ?5 until (microseconds), ?6 forced, ?7 reason. By primary key.
INSERT OR IGNORE INTO breaker_history (resource, since, change, state, until, forced, reason)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
WHERE NOT EXISTS (
  SELECT 1 FROM breaker_history WHERE resource = ?1 AND since = ?2 AND state = ?4 AND forced = ?6 AND reason IS ?7
);
