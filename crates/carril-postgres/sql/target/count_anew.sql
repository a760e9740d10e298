-- Has the counts of written rows begin anew with the next transaction of this session. For servers from version 15 on.
select pg_stat_force_next_flush();
