-- Moves money from the entity's account to everybody's, then fails by chance: half a move would show in the sum.
update account set balance = balance - :amount where name = :entity_key;
insert into trial (held) select case when abs(random()) % 6 > 0 then 1 end;
update account set balance = balance + :amount where name = 'everybody';
