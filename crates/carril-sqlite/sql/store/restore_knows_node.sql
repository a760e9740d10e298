-- Whether a store knows this very engine. ?1 id, ?2 host, ?3 pid, ?4 when it entered (microseconds). By primary key.
SELECT EXISTS (SELECT 1 FROM node WHERE id = ?1 AND host = ?2 AND pid = ?3 AND entered_at = ?4);
