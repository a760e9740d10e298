-- Closed time by cause over the executions of a process, most first. ?1 process. The execution is the one that spent the most (SQLite
-- takes bare columns from the row of max). By primary key, within the process's own range.
SELECT s.key, count(*), sum(s.value), max(s.value), e.id
FROM process p
CROSS JOIN execution e ON e.id BETWEEN p.first_execution AND p.last_execution AND e.process_id = p.id
CROSS JOIN json_each(e.sums) s
WHERE p.id = ?1
GROUP BY s.key
ORDER BY 3 DESC;
