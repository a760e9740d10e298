-- Cash: overnight lending through the clearing house (TREPS, reverse repo), margins, bank balances, and what the
-- fund is owed less what it owes.
delete from ipa_cash;

insert into ipa_cash (line, kind, description, market_value)
select s.line, s.kind, s.description, s.market_value
from extract_sona s
where s.report_date = :report_date;
