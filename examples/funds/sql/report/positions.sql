-- What the fund holds, line by line, for whoever reads the published positions (the cube does): a share with its beta and how
-- far its price has moved since the fund's previous report date, a bond with its modelled yield and modified duration.
delete from report_positions;

insert into report_positions (
    report_date, fund_code, line, instrument, isin, asset_class, industry, rating, quantity, market_value, weight,
    price_return, beta, yield, duration
)
select
    d.report_date, cast(:fund_code as text), f.line, f.instrument, f.isin, f.asset_class, f.industry, f.rating,
    f.quantity, f.market_value, f.weight, p.close / nullif(p.previous_close, 0) - 1, b.beta, y.modelled_yield,
    y.modified_duration
from ipa_final f
cross join extract_dates d
left join capm_worktable w on w.line = f.line
left join extract_capm p on p.role = 'share' and p.isin = w.isin and p.symbol = w.symbol
left join capm_betas b on b.symbol = w.symbol
left join posmodrf_yields y on y.line = f.line;
