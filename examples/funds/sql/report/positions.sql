-- What the fund holds, line by line, for whoever reads the published positions (the cube does).
delete from report_positions;

insert into report_positions (
    report_date, fund_code, line, instrument, isin, asset_class, industry, rating, quantity, market_value, weight
)
select
    d.report_date, cast(:fund_code as text), f.line, f.instrument, f.isin, f.asset_class, f.industry, f.rating,
    f.quantity, f.market_value, f.weight
from ipa_final f
cross join extract_dates d;
