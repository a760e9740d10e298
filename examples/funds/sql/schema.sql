-- The tables of the funds warehouse: dimensions, source tables (one per feed), and the templates of the workspace.
--
-- Written so that SQLite and PostgreSQL both take it. A date is `YYYY-MM-DD`, money is in lakh of rupees
-- (1 lakh = 100,000), prices are in rupees, shares of net assets are fractions (0.066 is 6.6 %).
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
-- a month-end that is no trading day takes the last earlier day, but never one that is long past.
create table if not exists bd_feed_days (
    feed text not null,
    data_date date not null,
    usable_until date not null,
    primary key (feed, data_date)
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

-- PosModRF: fixed income, with what its name tells (coupon in percent, maturity) and the published yields (fractions).
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
    primary key (report_date, portfolio, line)
);

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

-- SONA: what the statement itself says the fund is worth. Only ever compared with, never computed from.
create table if not exists homol_sona_totals (
    report_date date not null,
    portfolio text not null,
    fund_name text not null,
    published_total double precision not null,
    primary key (report_date, portfolio)
);
create index if not exists homol_sona_totals_by_portfolio on homol_sona_totals (portfolio, report_date);

-- Derivados: the derivative block, which stands outside the total.
create table if not exists homol_derivados (
    report_date date not null,
    portfolio text not null,
    line integer not null,
    kind text,
    instrument text not null,
    counterparty text,
    industry text,
    quantity double precision,
    market_value double precision not null,
    pct_net_assets double precision,
    primary key (report_date, portfolio, line)
);

-- UBS: what the custodian says it holds for the portfolio.
create table if not exists homol_ubs (
    report_date date not null,
    portfolio text not null,
    line integer not null,
    isin text not null,
    instrument text not null,
    quantity double precision not null,
    market_value double precision,
    primary key (report_date, portfolio, line)
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
    rupees_per_euro double precision
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
    yield_to_call double precision
);

create table if not exists extract_sona (
    line integer not null primary key,
    kind text not null,
    description text not null,
    market_value double precision not null
);

-- One row: the published name and total.
create table if not exists extract_sona_totals (
    report_date date not null primary key,
    fund_name text not null,
    published_total double precision not null
);

create table if not exists extract_derivados (
    line integer not null primary key,
    kind text,
    instrument text not null,
    counterparty text,
    industry text,
    quantity double precision,
    market_value double precision not null
);

create table if not exists extract_ubs (
    line integer not null primary key,
    isin text not null,
    instrument text not null,
    quantity double precision not null,
    market_value double precision
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

-- Fixed income: rupees per unit, and years from the report date to maturity (calendar years and months, no day count).
create table if not exists posmodrf_worktable (
    line integer not null primary key,
    isin text not null,
    instrument text not null,
    rating text,
    coupon double precision,
    maturity date,
    unit_price double precision,
    market_value double precision not null,
    yield double precision
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

-- One row: how the statement and the exchange compare, and how the fund's market proxy moved.
create table if not exists capm_final (
    report_date date not null primary key,
    price_date date,
    priced_positions bigint not null,
    price_matches bigint not null,
    close_value double precision not null,
    market_symbol text,
    market_return double precision
);

create table if not exists derivados_worktable (
    line integer not null primary key,
    kind text not null,
    instrument text not null,
    counterparty text,
    industry text,
    quantity double precision,
    market_value double precision not null,
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
    ubs_breaks bigint,
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
    primary key (report_date, fund_code, line)
);

-- Published by the process: totals over all funds. `dimension` is house, asset_class, industry or rating.
create table if not exists cube_rows (
    report_date date not null,
    dimension text not null,
    member text not null,
    funds bigint not null,
    positions bigint not null,
    market_value double precision not null,
    share double precision,
    primary key (report_date, dimension, member)
);
