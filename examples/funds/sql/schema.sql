-- The tables of the funds warehouse: dimensions, source tables (one per feed), and the templates of the workspace.
--
-- Written so that SQLite and PostgreSQL both take it. A date is `YYYY-MM-DD`, money is in lakh (100,000) of the
-- statement's currency, which is the rupee but for filings in dollars, prices are in rupees, shares of net assets are
-- fractions (0.066 is 6.6 %).
-- `funds-load` and `carril demo` run this file before they fill anything; running it again changes nothing.

-- Dimensions ------------------------------------------------------------------------------------------------

-- The funds, with their code in each source system and what a lane needs to know before it starts.
create table if not exists bd_funds (
    id_fund bigint not null primary key,
    fund_code text not null unique,
    fund_short_name text not null,
    fund_name text not null,
    portfolio_geneva text not null unique,
    portfolio_capm text,
    portfolio_derivados text,
    portfolio_ubs text,
    flag_ubs integer not null default 0,
    flag_derivados integer not null default 0,
    active integer not null default 1,
    incluir_en_cubo integer not null default 1
);

-- Exchange symbols and their ISINs, from the exchange's index lists.
create table if not exists bd_instruments (
    isin text not null primary key,
    symbol text not null,
    series text not null,
    company text not null,
    industry text not null
);
create index if not exists bd_instruments_by_symbol on bd_instruments (symbol);

-- The days for which a feed (`capm`, `fx`) has data, and the last day on which that data still counts as recent:
-- a month-end that is no trading day takes the last earlier day, but never one that is long past. A series of prices
-- that ends on the day begins after `window_start` (180 days before).
create table if not exists bd_feed_days (
    feed text not null,
    data_date date not null,
    usable_until date not null,
    window_start date not null,
    primary key (feed, data_date)
);

-- What documents say about a bond wherever they name it: a statement writes the maturity in the bond's name, another the
-- coupon in a column. Completes the rows of homol_posmodrf that lack one of them.
create table if not exists bd_bonds (
    isin text not null primary key,
    coupon double precision,
    maturity date
);

-- What has been loaded, for people who ask where a number comes from.
create table if not exists bd_documents (
    document text not null,
    kind text not null,
    first_date date,
    last_date date,
    row_count bigint not null,
    primary key (document, kind)
);

-- Source tables ---------------------------------------------------------------------------------------------

-- IPA: the securities of a portfolio as its statement lists them. `line` is the row's number in the document.
create table if not exists homol_ipa (
    report_date date not null,
    portfolio text not null,
    line integer not null,
    section text,
    sub_section text,
    instrument text not null,
    isin text,
    industry_rating text,
    quantity double precision,
    market_value double precision not null,
    pct_net_assets double precision,
    primary key (report_date, portfolio, line)
);

-- CAPM: closing prices of the exchange, one row per symbol and trading day.
create table if not exists homol_capm (
    price_date date not null,
    symbol text not null,
    series text not null,
    prev_close double precision,
    close double precision not null,
    traded_quantity double precision,
    turnover double precision,
    primary key (price_date, symbol, series)
);
-- A share's series of prices, without a look at the table.
create index if not exists homol_capm_by_symbol on homol_capm (symbol, series, price_date, close, prev_close);

-- PosModRF: fixed income, with what its name tells (coupon in percent, maturity) and the published yields (fractions).
-- A paper that is sold at a discount has coupon 0. Days count from the value date, the day after the report date:
-- `days_to_coupon` to the next coupon (or anniversary of the maturity), `days_in_period` from the one before to that one,
-- and `coupons_left` with the last. They are null where there is no maturity, or it is past.
create table if not exists homol_posmodrf (
    report_date date not null,
    portfolio text not null,
    line integer not null,
    instrument text not null,
    isin text not null,
    rating text,
    coupon double precision,
    maturity date,
    quantity double precision,
    market_value double precision not null,
    yield double precision,
    yield_to_call double precision,
    is_floating integer not null default 0,
    coupons_per_year integer,
    coupons_left integer,
    days_to_coupon integer,
    days_in_period integer,
    days_to_maturity integer,
    primary key (report_date, portfolio, line)
);
-- Rows that lack what bd_bonds may know by now.
create index if not exists homol_posmodrf_incomplete on homol_posmodrf (isin) where coupon is null or maturity is null;

-- SONA: cash lines. `kind` is treps, reverse_repo, margin, cash_and_bank or net_receivables.
create table if not exists homol_sona (
    report_date date not null,
    portfolio text not null,
    line integer not null,
    kind text not null,
    description text not null,
    market_value double precision not null,
    pct_net_assets double precision,
    primary key (report_date, portfolio, line)
);

-- SONA: what the statement itself says the fund is worth. Only ever compared with, never computed from. `source` is
-- statement, or custodian for a fund that only its custodian's file tells of.
create table if not exists homol_sona_totals (
    report_date date not null,
    portfolio text not null,
    fund_name text not null,
    published_total double precision not null,
    currency text not null default 'INR',
    source text not null default 'statement',
    primary key (report_date, portfolio)
);
create index if not exists homol_sona_totals_by_portfolio on homol_sona_totals (portfolio, report_date);

-- Derivados: the derivative block, which stands outside the total (`in_total` 0), or derivatives that a filing counts
-- among the fund's positions (`in_total` 1). `kind` is the document's own heading; `class` is future, swap, forward, option
-- or other. A future's name holds its underlying's symbol and its last day.
create table if not exists homol_derivados (
    report_date date not null,
    portfolio text not null,
    line integer not null,
    kind text,
    class text not null default 'other',
    instrument text not null,
    underlying text,
    expiry date,
    counterparty text,
    industry text,
    quantity double precision,
    market_value double precision not null,
    pct_net_assets double precision,
    in_total integer not null default 0,
    primary key (report_date, portfolio, line)
);

-- UBS: what the custodian says it holds for the portfolio; cash has neither ISIN nor quantity.
create table if not exists homol_ubs (
    report_date date not null,
    portfolio text not null,
    line integer not null,
    isin text,
    instrument text not null,
    quantity double precision,
    market_value double precision,
    primary key (report_date, portfolio, line)
);

-- UBS: what the custodian's file itself gives as the sum of its lines.
create table if not exists homol_ubs_totals (
    report_date date not null,
    portfolio text not null,
    published_total double precision not null,
    primary key (report_date, portfolio)
);

-- Reference rates: units of the currency for one euro.
create table if not exists homol_fx (
    rate_date date not null,
    currency text not null,
    per_euro double precision not null,
    primary key (rate_date, currency)
);

-- Workspace templates: each execution gets empty tables of its own made like these. They stay empty here. --------

create table if not exists extract_ipa (
    report_date date not null,
    line integer not null,
    section text,
    sub_section text,
    instrument text not null,
    isin text,
    industry_rating text,
    quantity double precision,
    market_value double precision not null,
    primary key (report_date, line)
);

-- One row: the fund's dates. A date is null where there is none.
create table if not exists extract_dates (
    report_date date not null primary key,
    price_date date,
    previous_report_date date,
    previous_price_date date,
    rate_date date,
    per_euro double precision,
    window_start date
);

-- Prices of the fund's shares on both dates, and of its market proxy: `role` is share or market, and the proxy's ISIN
-- is empty. A share that has changed its ISIN can stand here twice.
create table if not exists extract_capm (
    role text not null,
    symbol text not null,
    isin text not null,
    industry text,
    close double precision not null,
    previous_close double precision,
    primary key (role, symbol, isin)
);

-- Daily returns inside the window, of the fund's shares, of what its futures are on, and of its market proxy.
create table if not exists extract_returns (
    symbol text not null,
    price_date date not null,
    daily_return double precision not null,
    primary key (symbol, price_date)
);

create table if not exists extract_posmodrf (
    line integer not null primary key,
    instrument text not null,
    isin text not null,
    rating text,
    coupon double precision,
    maturity date,
    quantity double precision,
    market_value double precision not null,
    yield double precision,
    yield_to_call double precision,
    is_floating integer not null,
    coupons_per_year integer,
    coupons_left integer,
    days_to_coupon integer,
    days_in_period integer,
    days_to_maturity integer
);

create table if not exists extract_sona (
    report_date date not null,
    line integer not null,
    kind text not null,
    description text not null,
    market_value double precision not null,
    primary key (report_date, line)
);

-- The published name and total, of the report date and of the fund's previous one.
create table if not exists extract_sona_totals (
    report_date date not null primary key,
    fund_name text not null,
    published_total double precision not null,
    currency text not null,
    source text not null
);

create table if not exists extract_derivados (
    line integer not null primary key,
    kind text,
    class text not null,
    instrument text not null,
    underlying text,
    expiry date,
    counterparty text,
    industry text,
    quantity double precision,
    market_value double precision not null,
    in_total integer not null
);

create table if not exists extract_ubs (
    line integer not null primary key,
    isin text,
    instrument text not null,
    quantity double precision,
    market_value double precision
);

-- One row, or none: the total that the custodian's file gives.
create table if not exists extract_ubs_totals (
    report_date date not null primary key,
    published_total double precision not null
);

-- The securities of the report date, each with its asset class and either an industry or a rating.
create table if not exists staging_ipa_worktable (
    line integer not null primary key,
    instrument text not null,
    isin text,
    asset_class text not null,
    industry text,
    rating text,
    quantity double precision,
    market_value double precision not null
);

create table if not exists ipa_cash (
    line integer not null primary key,
    kind text not null,
    description text not null,
    market_value double precision not null
);

-- Securities and cash together: all that the fund's value is the sum of.
create table if not exists ipa_final (
    line integer not null primary key,
    instrument text not null,
    isin text,
    asset_class text not null,
    industry text,
    rating text,
    quantity double precision,
    market_value double precision not null,
    weight double precision
);

-- Fixed income, priced: rupees per unit, the unit's face, and the clean price per 100 of face. `excluded` says why a line
-- gets no yield of ours, and is null where it gets one.
create table if not exists posmodrf_worktable (
    line integer not null primary key,
    isin text not null,
    instrument text not null,
    rating text,
    coupon double precision,
    maturity date,
    unit_price double precision,
    face double precision,
    clean_price double precision,
    market_value double precision not null,
    yield double precision,
    coupons_per_year integer,
    coupons_left integer,
    days_to_coupon integer,
    days_in_period integer,
    days_to_maturity integer,
    method text,
    excluded text
);

-- Fixed income, modelled: yearly effective yield, and durations in years.
create table if not exists posmodrf_yields (
    line integer not null primary key,
    method text not null,
    modelled_yield double precision not null,
    macaulay_duration double precision not null,
    modified_duration double precision not null
);

-- One row: the fund's fixed income as a whole, weighted by value. The covered value is that of the modelled lines.
create table if not exists posmodrf_final (
    report_date date not null primary key,
    debt_value double precision not null,
    covered_value double precision not null,
    modelled_yield double precision,
    published_yield double precision,
    modified_duration double precision
);

-- Shares valued again at the exchange's close, beside what the statement says.
create table if not exists capm_worktable (
    line integer not null primary key,
    isin text not null,
    symbol text not null,
    quantity double precision not null,
    close double precision not null,
    market_value double precision not null,
    close_value double precision not null,
    matches integer not null
);

-- How each share moved with the market: slope and intercept of its daily returns on the market's, over `days` days on
-- which both have one.
create table if not exists capm_betas (
    symbol text not null primary key,
    days bigint not null,
    first_day date not null,
    last_day date not null,
    beta double precision not null,
    alpha double precision not null,
    r_squared double precision
);

-- One row: how the statement and the exchange compare, how the fund's market proxy moved, and the fund's beta. The
-- covered value is that of the shares that have a beta.
create table if not exists capm_final (
    report_date date not null primary key,
    price_date date,
    priced_positions bigint not null,
    price_matches bigint not null,
    close_value double precision not null,
    market_symbol text,
    market_return double precision,
    beta double precision,
    share_value double precision not null,
    covered_value double precision not null,
    futures_beta double precision
);

-- The derivatives; for a future on a share the exchange prices, `spot_value` is the same quantity at the share's close.
create table if not exists derivados_worktable (
    line integer not null primary key,
    kind text not null,
    class text not null,
    instrument text not null,
    underlying text,
    expiry date,
    counterparty text,
    industry text,
    quantity double precision,
    market_value double precision not null,
    spot_value double precision,
    side text not null
);

-- Custodian against statement, per security; `status` is equal, quantity, only_ipa or only_ubs.
create table if not exists ubs_worktable (
    isin text not null primary key,
    instrument text not null,
    quantity_ipa double precision,
    quantity_ubs double precision,
    status text not null
);

-- One row: what the custodian's file comes to, beside the total it gives. `compared` securities stand on either side.
create table if not exists ubs_final (
    report_date date not null primary key,
    lines bigint not null,
    custodian_value double precision not null,
    published_total double precision,
    compared bigint not null,
    breaks bigint not null
);

-- Shares held on the previous report date and on this one.
create table if not exists pnl_worktable (
    isin text not null primary key,
    symbol text not null,
    previous_quantity double precision not null,
    quantity double precision not null,
    previous_close double precision not null,
    close double precision not null,
    pnl double precision not null,
    large_move integer not null
);

-- Every line of both dates, and how its value came from one to the other: `price_effect` is what was held times the change
-- of its price, `trade_effect` what was bought and sold since, `cash_effect` the change of cash. The three add up to the
-- change of value. `status` is held, bought, sold or cash.
create table if not exists pnl_changes (
    instrument_key text not null primary key,
    status text not null,
    previous_quantity double precision,
    quantity double precision,
    previous_value double precision not null,
    value double precision not null,
    price_effect double precision not null,
    trade_effect double precision not null,
    cash_effect double precision not null
);

-- One row: the same for the fund. The published change is that of the statements' totals.
create table if not exists pnl_final (
    report_date date not null primary key,
    previous_report_date date,
    previous_value double precision,
    value_change double precision,
    price_effect double precision,
    trade_effect double precision,
    cash_effect double precision,
    published_change double precision
);

-- Published: one row per fund and report date.
create table if not exists report_rows (
    report_date date not null,
    fund_code text not null,
    fund_name text not null,
    id_fund bigint not null,
    positions bigint not null,
    securities bigint not null,
    market_value double precision not null,
    published_total double precision not null,
    difference double precision not null,
    currency text not null,
    source text not null,
    equity_value double precision not null,
    debt_value double precision not null,
    cash double precision not null,
    derivatives_value double precision not null,
    pnl double precision,
    previous_report_date date,
    pnl_large_moves bigint not null,
    priced_positions bigint not null,
    price_matches bigint not null,
    market_return double precision,
    beta double precision,
    beta_coverage double precision,
    beta_with_futures double precision,
    yield double precision,
    published_yield double precision,
    duration double precision,
    duration_coverage double precision,
    value_change double precision,
    price_effect double precision,
    trade_effect double precision,
    cash_effect double precision,
    price_return double precision,
    ubs_breaks bigint,
    custodian_value double precision,
    custodian_total double precision,
    market_value_million_eur double precision,
    primary key (report_date, fund_code)
);

-- Published: what the fund holds, line by line.
create table if not exists report_positions (
    report_date date not null,
    fund_code text not null,
    line integer not null,
    instrument text not null,
    isin text,
    asset_class text not null,
    industry text,
    rating text,
    quantity double precision,
    market_value double precision not null,
    weight double precision,
    price_return double precision,
    beta double precision,
    yield double precision,
    duration double precision,
    primary key (report_date, fund_code, line)
);

-- Published by the process: totals over all funds of a currency. `dimension` is house, asset_class, industry or rating.
create table if not exists cube_rows (
    report_date date not null,
    currency text not null,
    dimension text not null,
    member text not null,
    funds bigint not null,
    positions bigint not null,
    market_value double precision not null,
    share double precision,
    primary key (report_date, currency, dimension, member)
);
