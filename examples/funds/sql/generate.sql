-- Makes up funds where no documents are at hand: :funds of them, with statements for :report_date and for the month-end
-- before it, so that PNL has something to compare. SQLite only; the tables are those of schema.sql.
--
-- Run it as a list of statements in one transaction. The two parameters occur in one statement, the first insert.
-- Nothing is random: a fund's holdings depend on its number, a price on the share and the date. The same call makes the
-- same rows, a later date adds its own, and running a date again replaces it. Funds, companies and ISINs are invented
-- (the ISINs' check digits are wrong on purpose, most of the time); a likeness is chance.
--
-- Prices move with a market: each share has a beta between 0.4 and 1.6, and weekdays of noise around it, so that a beta can
-- be found in them. A bond's price is worked out from its yield, so that the yield can be found in its price.
--
-- What it makes is shaped like the real statements: a few shares that most funds hold, fixed income, overnight cash,
-- receivables that may be negative, futures in some funds, a custodian's file for one fund in five with a few
-- differences in it, and a published total that is the sum of the published lines.

drop table if exists temp.made_setting;
drop table if exists temp.made_random;
drop table if exists temp.made_date;
drop table if exists temp.made_share;
drop table if exists temp.made_close;
drop table if exists temp.made_day;
drop table if exists temp.made_daily;
drop table if exists temp.made_price;
drop table if exists temp.made_bond;
drop table if exists temp.made_fund;
drop table if exists temp.made_line;

create temp table made_setting (funds integer not null, report_date text not null);

insert into made_setting (funds, report_date) values (:funds, :report_date);

-- A fixed table of numbers from 0 to 2^31 - 2 (the "minimal standard" generator); everything looks its chance up here.
create temp table made_random (i integer primary key, r integer not null);

insert into made_random (i, r)
with recursive step (i, r) as (
    select 0, 20250630
    union all
    select i + 1, (r * 48271) % 2147483647 from step where i < 8190
)
select i, r from step;

-- The report date and the month-end before it. Prices are those of the last weekday up to the date.
create temp table made_date (report_date text primary key, price_date text not null, seed integer not null);

insert into made_date (report_date, price_date, seed)
with dates (report_date) as (
    select report_date from made_setting
    union all
    select date(report_date, 'start of month', '-1 day') from made_setting
)
select
    report_date,
    date(report_date, case strftime('%w', report_date) when '0' then '-2 days' when '6' then '-1 days' else '-0 days' end),
    cast(julianday(report_date) as integer)
from dates;

-- 280 shares: seven companies for each of forty names, each in another industry. The first forty are what everyone holds.
create temp table made_share (
    share integer primary key, symbol text not null, isin text not null, company text not null, industry text not null,
    base_price real not null, beta real not null
);

insert into made_share (share, symbol, isin, company, industry, base_price, beta)
with recursive
numbers (n) as (select 0 union all select n + 1 from numbers where n < 279),
names (i, name) as (
    values
    (0, 'Alderon'), (1, 'Brightwell'), (2, 'Corvane'), (3, 'Dunmore'), (4, 'Eastmere'), (5, 'Fairholt'), (6, 'Glenrock'),
    (7, 'Harrowby'), (8, 'Ironbridge'), (9, 'Juniper'), (10, 'Kelvara'), (11, 'Lindale'), (12, 'Marlowe'), (13, 'Northam'),
    (14, 'Oakhurst'), (15, 'Pellworth'), (16, 'Quillon'), (17, 'Ravensford'), (18, 'Silverton'), (19, 'Thornbury'),
    (20, 'Umberleigh'), (21, 'Valemont'), (22, 'Westmarch'), (23, 'Yarrow'), (24, 'Zephyrine'), (25, 'Ashcombe'),
    (26, 'Bellmoor'), (27, 'Castelane'), (28, 'Dovetail'), (29, 'Elmsford'), (30, 'Foxbourne'), (31, 'Greywater'),
    (32, 'Hollis'), (33, 'Ingleside'), (34, 'Kingsmead'), (35, 'Larkspur'), (36, 'Montrose'), (37, 'Netherby'),
    (38, 'Orchardly'), (39, 'Pinecrest')
),
trades (i, word, tag, industry) as (
    values
    (0, 'Bank', 'BANK', 'Banks'), (1, 'Technologies', 'TECH', 'IT - Software'),
    (2, 'Pharma', 'PHRM', 'Pharmaceuticals & Biotechnology'), (3, 'Motors', 'MOT', 'Automobiles'),
    (4, 'Auto Components', 'AUTO', 'Auto Components'), (5, 'Cement', 'CEM', 'Cement & Cement Products'),
    (6, 'Power', 'POW', 'Power'), (7, 'Finance', 'FIN', 'Finance'), (8, 'Life Insurance', 'LIFE', 'Insurance'),
    (9, 'Chemicals', 'CHEM', 'Chemicals & Petrochemicals'), (10, 'Appliances', 'APPL', 'Consumer Durables'),
    (11, 'Foods', 'FOOD', 'Food Products'), (12, 'Beverages', 'BEV', 'Beverages'), (13, 'Realty', 'REAL', 'Realty'),
    (14, 'Retail', 'RET', 'Retailing'), (15, 'Telecom', 'TEL', 'Telecom - Services'),
    (16, 'Projects', 'PROJ', 'Construction'), (17, 'Industries', 'IND', 'Industrial Products'),
    (18, 'Textiles', 'TEX', 'Textiles & Apparels'), (19, 'Hospitals', 'HOSP', 'Healthcare Services'),
    (20, 'Logistics', 'LOG', 'Transport Services'), (21, 'Petroleum', 'PET', 'Petroleum Products')
)
select
    k.n,
    upper(substr(a.name, 1, 5)) || t.tag,
    'INE' || printf('%03d', k.n) || 'Z01' || printf('%03d', 10 + k.n % 90),
    a.name || ' ' || t.word || ' Limited',
    t.industry,
    round(40 + (r.r % 380000) / 100.0, 2),
    0.4 + (r.r % 121) / 100.0
from numbers k
join names a on a.i = k.n % 40
join trades t on t.i = (k.n % 40 * 3 + k.n / 40 * 5) % 22
join made_random r on r.i = (k.n * 29 + 11) % 8191;

-- The weekdays of the 45 days up to each price date, each with the one before, and how far the market stands from its own
-- level: a month's, a week's and a day's part. It depends on the day alone, so that a later date makes the same past.
create temp table made_day (day text primary key, previous_day text not null, number integer not null, market real not null);

insert into made_day (day, previous_day, number, market)
with recursive
back (day, left_over) as (
    select price_date, 46 from made_date
    union
    select date(day, '-1 day'), left_over - 1 from back where left_over > 0
),
weekdays as (
    select distinct day from back where strftime('%w', day) not in ('0', '6')
),
numbered as (
    select
        day, date(day, case strftime('%w', day) when '1' then '-3 days' else '-1 days' end) as previous_day,
        cast(julianday(day) + 0.5 as integer) as number
    from weekdays
)
select
    n.day, n.previous_day, n.number,
    (m.r % 401 - 200) / 10000.0 + (w.r % 401 - 200) / 10000.0 + (d.r % 201 - 100) / 10000.0
from numbered n
join made_random m on m.i = (n.number / 30 * 211 + 74) % 8191
join made_random w on w.i = (n.number / 7 * 307 + 29) % 8191
join made_random d on d.i = (n.number * 101 + 41) % 8191;

-- Closing prices of every weekday. MKTETF (share -1) stands for the market.
create temp table made_daily (
    share integer not null, day text not null, symbol text not null, close real not null, primary key (share, day)
) without rowid;

insert into made_daily (share, day, symbol, close)
select
    s.share, d.day, s.symbol,
    round(s.base_price * (1 + s.beta * d.market + (r.r % 241 - 120) / 10000.0 + (m.r % 801 - 400) / 10000.0), 2)
from made_share s
cross join made_day d
join made_random r on r.i = (s.share * 37 + d.number * 101) % 8191
join made_random m on m.i = (s.share * 53 + d.number / 30 * 211) % 8191
union all
select -1, d.day, 'MKTETF', round(250 * (1 + d.market), 2)
from made_day d;

-- Those of the two dates.
create temp table made_close (
    share integer not null, report_date text not null, close real not null, primary key (share, report_date)
) without rowid;

insert into made_close (share, report_date, close)
select p.share, d.report_date, p.close
from made_date d
join made_daily p on p.day = d.price_date
where p.share >= 0;

-- 120 bonds: 40 government, 50 corporate, 30 short papers. The maturity counts from the start of the report's year. `rate` is
-- what a period brings: half a year for governments, else a year.
create temp table made_bond (
    bond integer primary key, isin text not null, instrument text not null, section text not null, sub_section text not null,
    rating text not null, coupon real not null, maturity text not null, face real not null, coupons_per_year integer not null,
    rate real not null
);

insert into made_bond (
    bond, isin, instrument, section, sub_section, rating, coupon, maturity, face, coupons_per_year, rate
)
with recursive
numbers (n) as (select 0 union all select n + 1 from numbers where n < 119),
drawn as (
    select
        n,
        case when n < 40 then 'government' when n < 90 then 'corporate' else 'paper' end as kind,
        (640 + r.r % 300) / 100.0 as coupon,
        -- Never after the 28th, so that every month has the day.
        date((select report_date from made_setting), 'start of year',
            '+' || case when n < 40 then 800 + r.r % 9000 when n < 90 then 500 + r.r % 2600 else 380 + r.r % 330 end || ' days',
            'start of month', '+' || (r.r % 28) || ' days'
        ) as maturity,
        r.r as r,
        s.company
    from numbers
    join made_random r on r.i = (n * 53 + 7) % 8191
    join made_share s on s.share = (n * 7) % 280
)
select
    n,
    case kind
        when 'government' then 'IN00202' || printf('%05d', 30000 + n)
        when 'corporate' then 'INE' || printf('%03d', n) || 'Z07' || printf('%03d', 100 + n)
        else 'INE' || printf('%03d', n) || 'Z14' || printf('%03d', 100 + n)
    end,
    case kind
        when 'government' then printf('%.2f', coupon) || '% Government of India'
        when 'corporate' then printf('%.2f', coupon) || '% ' || company
        else company
    end || ' (' || strftime('%d/%m/%Y', maturity) || ')',
    case kind when 'paper' then 'Money Market Instruments' else 'Debt Instruments' end,
    case kind
        when 'government' then '(b) Government Securities'
        when 'corporate' then '(a) Listed / awaiting listing on Stock Exchange'
        else case n % 2 when 0 then 'Commercial Paper' else 'Certificate of Deposit' end
    end,
    case kind
        when 'government' then 'Sovereign'
        when 'corporate' then case r % 5 when 0 then 'ICRA AA+' when 1 then 'CRISIL AA' else 'CRISIL AAA' end
        else case r % 2 when 0 then 'CRISIL A1+' else 'ICRA A1+' end
    end,
    case kind when 'paper' then 0 else coupon end,
    maturity,
    case kind when 'government' then 100 when 'corporate' then 100000 else 500000 end,
    case kind when 'government' then 2 else 1 end,
    (6.3 + (r % 190) / 100.0) / 100 / case kind when 'government' then 2 else 1 end
from drawn;

-- What each bond is worth on each date, clean and per 100 of face: its coupons and its face at the date's rate, which is the
-- bond's own and up to 0.3 % more or less. The first row of `back` counts the coupons back from the maturity; `worth` is
-- Horner's scheme over them, and the stub to the next coupon is discounted by a binomial series. With one coupon left,
-- interest is simple. posmodrf/yields.sql goes the other way.
create temp table made_price (
    bond integer not null, report_date text not null, price real not null, yield real not null, coupons_left integer not null,
    days_to_coupon integer not null, days_in_period integer not null, days_to_maturity integer not null,
    primary key (bond, report_date)
) without rowid;

insert into made_price (
    bond, report_date, price, yield, coupons_left, days_to_coupon, days_in_period, days_to_maturity
)
with recursive
back (bond, report_date, value_day, periods, day, next_day) as (
    select b.bond, d.report_date, julianday(d.report_date) + 1, 0, julianday(b.maturity), null
    from made_bond b
    cross join made_date d
    union all
    select
        k.bond, k.report_date, k.value_day, k.periods + 1,
        julianday(b.maturity, '-' || ((k.periods + 1) * 12 / b.coupons_per_year) || ' months'), k.day
    from back k
    join made_bond b on b.bond = k.bond
    where k.day > k.value_day
),
schedule as (
    select
        k.bond, k.report_date, k.periods as n, cast(k.next_day - k.value_day as integer) as days_to_coupon,
        cast(k.next_day - k.day as integer) as days_in_period, cast(julianday(b.maturity) - k.value_day as integer) as days_left,
        b.coupon / b.coupons_per_year as c, b.coupons_per_year,
        b.rate + (r.r % 61 - 30) / 10000.0 / b.coupons_per_year as rate
    from back k
    join made_bond b on b.bond = k.bond
    join made_date d on d.report_date = k.report_date
    join made_random r on r.i = (k.bond * 43 + d.seed * 19) % 8191
    where k.day <= k.value_day
      and k.periods > 0
),
worth (bond, report_date, k, v, c, b) as (
    select o.bond, o.report_date, o.n - 1, 1 / (1 + o.rate), o.c, o.c + 100 from schedule o
    union all
    select s.bond, s.report_date, s.k - 1, s.v, s.c, s.b * s.v + s.c from worth s where s.k > 0
),
stubs as (
    select
        o.*, s.b, s.v, o.days_to_coupon * 1.0 / o.days_in_period as fraction
    from schedule o
    join worth s on s.bond = o.bond and s.report_date = o.report_date and s.k = 0
)
select
    s.bond, s.report_date,
    case s.n
        when 1 then (100 + s.c) / (1 + s.rate * s.coupons_per_year * s.days_to_coupon / 365)
        else s.b * (
            1 + s.fraction * (s.v - 1) * (1 + (s.fraction - 1) * (s.v - 1) / 2 * (1 + (s.fraction -
            2) * (s.v - 1) / 3 * (1 + (s.fraction - 3) * (s.v - 1) / 4 * (1 + (s.fraction - 4) *
            (s.v - 1) / 5 * (1 + (s.fraction - 5) * (s.v - 1) / 6 * (1 + (s.fraction - 6) * (s.v -
            1) / 7 * (1 + (s.fraction - 7) * (s.v - 1) / 8 * (1 + (s.fraction - 8) * (s.v - 1) / 9 *
            (1 + (s.fraction - 9) * (s.v - 1) / 10 * (1 + (s.fraction - 10) * (s.v - 1) / 11 * (1 +
            (s.fraction - 11) * (s.v - 1) / 12)))))))))))
        )
    end - s.c * (1 - s.fraction),
    case when s.n = 1 then s.rate * s.coupons_per_year when s.coupons_per_year = 2 then (1 + s.rate) * (1 + s.rate) - 1 else s.rate end,
    s.n, s.days_to_coupon, s.days_in_period, s.days_left
from stubs s;

-- The funds: twenty houses times twenty-five strategies, then a next series. One in five has a custodian's file.
create temp table made_fund (
    fund integer primary key, fund_code text not null, short_name text not null, fund_name text not null, style text not null,
    has_ubs integer not null, has_derivatives integer not null, size_lakh real not null
);

insert into made_fund (fund, fund_code, short_name, fund_name, style, has_ubs, has_derivatives, size_lakh)
with recursive
numbers (n) as (
    select 0 from made_setting where funds > 0
    union all
    select n + 1 from numbers, made_setting where n + 1 < funds
),
houses (i, name, tag) as (
    values
    (0, 'Meridian', 'MER'), (1, 'Halcyon', 'HAL'), (2, 'Northgate', 'NGT'), (3, 'Bluewater', 'BLW'), (4, 'Summit Ridge', 'SMR'),
    (5, 'Lanternway', 'LAN'), (6, 'Copperfield', 'COP'), (7, 'Evenglen', 'EVG'), (8, 'Harbourline', 'HBL'),
    (9, 'Crestview', 'CRV'), (10, 'Silverbirch', 'SLB'), (11, 'Tidewater', 'TID'), (12, 'Redwood Hill', 'RWH'),
    (13, 'Goldcrest', 'GDC'), (14, 'Stonebridge', 'STB'), (15, 'Whitefield', 'WHF'), (16, 'Clearbrook', 'CLB'),
    (17, 'Eaglemont', 'EGM'), (18, 'Foxglove', 'FXG'), (19, 'Wayfarer', 'WAY')
),
strategies (i, name, tag, style) as (
    values
    (0, 'Large Cap Fund', 'LC', 'equity'), (1, 'Corporate Bond Fund', 'CB', 'debt'), (2, 'Flexi Cap Fund', 'FC', 'equity'),
    (3, 'Balanced Advantage Fund', 'BA', 'hybrid'), (4, 'Liquid Fund', 'LQ', 'liquid'), (5, 'Mid Cap Fund', 'MC', 'equity'),
    (6, 'Small Cap Fund', 'SC', 'equity'), (7, 'Arbitrage Fund', 'AR', 'hybrid'), (8, 'Gilt Fund', 'GI', 'debt'),
    (9, 'Value Fund', 'VA', 'equity'), (10, 'Infrastructure Fund', 'IN', 'equity'), (11, 'Short Term Fund', 'ST', 'debt'),
    (12, 'Top 50 Index Fund', 'TF', 'equity'), (13, 'Equity Savings Fund', 'ES', 'hybrid'),
    (14, 'Dividend Yield Fund', 'DY', 'equity'), (15, 'Money Market Fund', 'MM', 'liquid'),
    (16, 'Financial Services Fund', 'FS', 'equity'), (17, 'Healthcare Fund', 'HC', 'equity'),
    (18, 'Multi Asset Allocation Fund', 'MA', 'hybrid'), (19, 'Dynamic Bond Fund', 'DB', 'debt'),
    (20, 'Tax Saver Fund', 'TX', 'equity'), (21, 'Business Cycle Fund', 'BC', 'equity'), (22, 'Overnight Fund', 'ON', 'liquid'),
    (23, 'ESG Leaders Fund', 'EL', 'equity'), (24, 'Conservative Hybrid Fund', 'CH', 'hybrid')
)
select
    k.n,
    h.tag || s.tag || case when k.n < 500 then '' else cast(k.n / 500 + 1 as text) end,
    h.name || ' ' || replace(s.name, ' Fund', '') || case when k.n < 500 then '' else ' ' || (k.n / 500 + 1) end,
    h.name || ' ' || s.name || case when k.n < 500 then '' else ' - Series ' || (k.n / 500 + 1) end,
    s.style,
    k.n % 5 = 2,
    s.style = 'hybrid' or (s.style = 'debt' and k.n % 2 = 0) or (s.style = 'equity' and k.n % 7 = 3),
    20000.0 + r.r % 1500000
from numbers k
join houses h on h.i = k.n % 20
join strategies s on s.i = (k.n / 20 + k.n % 20 * 7) % 25
join made_random r on r.i = (k.n * 61 + 3) % 8191;

-- Every line of every statement. `slot` orders the lines; `kind` is share, bond, cash or future. A quantity is set once
-- from the fund's size; on some dates a slot trades a tenth of it.
create temp table made_line (
    fund integer not null, report_date text not null, line integer not null, kind text not null, ref integer,
    section text, sub_section text, instrument text not null, isin text, industry_rating text,
    quantity real, market_value real not null, primary key (fund, report_date, line)
) without rowid;

-- Shares: twelve of the forty that everyone holds, the rest from the other 240; the steps 7 and 11 never repeat one.
insert into made_line (fund, report_date, line, kind, ref, section, sub_section, instrument, isin, industry_rating, quantity, market_value)
with recursive
slots (k) as (select 0 union all select k + 1 from slots where k < 59),
wanted as (
    select
        f.fund, f.size_lakh, k,
        case f.style when 'equity' then 38 + f.fund * 13 % 22 when 'hybrid' then 20 + f.fund * 7 % 12 else 0 end as shares,
        case f.style when 'equity' then 0.96 else 0.55 end as part,
        case when k < 12 then (f.fund * 17 + k * 7) % 40 else 40 + (f.fund * 31 + (k - 12) * 11) % 240 end as share
    from made_fund f
    cross join slots
),
sized as (
    select
        w.fund, w.k, w.share, d.report_date, c.close, s.company, s.isin, s.industry,
        max(1, cast(
            w.size_lakh * w.part * (0.5 + (r.r % 1000) / 1000.0) / w.shares * 100000 / s.base_price
            * case when t.r % 6 = 0 then 1.1 when t.r % 6 = 1 then 0.9 else 1.0 end
        as integer)) as quantity
    from wanted w
    cross join made_date d
    join made_share s on s.share = w.share
    join made_close c on c.share = w.share and c.report_date = d.report_date
    join made_random r on r.i = (w.fund * 61 + w.k * 97 + 5) % 8191
    join made_random t on t.i = (w.fund * 67 + w.k * 89 + d.seed * 13) % 8191
    where w.k < w.shares
)
select
    fund, report_date, 6 + k, 'share', share,
    'Equity & Equity related', '(a) Listed / awaiting listing on Stock Exchange',
    company, isin, industry, quantity, round(quantity * close / 100000, 2)
from sized;

-- Fixed income: debt funds hold government and corporate bonds, liquid funds short papers, hybrids some of each.
insert into made_line (fund, report_date, line, kind, ref, section, sub_section, instrument, isin, industry_rating, quantity, market_value)
with recursive
slots (k) as (select 0 union all select k + 1 from slots where k < 39),
wanted as (
    select
        f.fund, f.size_lakh, k,
        case f.style when 'debt' then 26 + f.fund * 5 % 14 when 'liquid' then 18 + f.fund * 3 % 11 when 'hybrid' then 9 else 0 end as bonds,
        case f.style when 'hybrid' then 0.34 else 0.93 end as part,
        case f.style when 'liquid' then 90 + (f.fund * 19 + k * 7) % 30 else (f.fund * 23 + k * 13) % 90 end as bond
    from made_fund f
    cross join slots
),
sized as (
    select
        w.fund, w.k, d.report_date, b.bond, b.section, b.sub_section, b.instrument, b.isin, b.rating,
        p.price, b.face,
        max(1, cast(w.size_lakh * w.part * (0.5 + (r.r % 1000) / 1000.0) / w.bonds * 100000 / b.face as integer)) as quantity
    from wanted w
    cross join made_date d
    join made_bond b on b.bond = w.bond
    join made_price p on p.bond = b.bond and p.report_date = d.report_date
    join made_random r on r.i = (w.fund * 71 + w.k * 83 + 9) % 8191
    where w.k < w.bonds
)
select
    fund, report_date, 80 + k, 'bond', bond, section, sub_section, instrument, isin, rating,
    quantity, round(quantity * face * price / 100 / 100000, 2)
from sized;

-- Cash: overnight lending, a bank balance, a margin where there are futures, and receivables less payables.
insert into made_line (fund, report_date, line, kind, ref, section, sub_section, instrument, market_value)
select
    f.fund, d.report_date, 130 + c.k, 'cash', c.k, 'Others', c.sub_section, c.description,
    round(
        case c.k
            when 0 then f.size_lakh * (100 + r.r % 300) / 10000.0
            when 1 then f.size_lakh * 0.005
            when 2 then (r.r % 500) / 100.0
            else f.size_lakh * (r.r % 120 - 60) / 10000.0
        end, 2)
from made_fund f
cross join made_date d
cross join (
    select 0 as k, 'TREPS / Reverse Repo' as sub_section, 'Clearing Corporation' as description
    union all select 1, null, 'Margin (Future and Options)'
    union all select 2, null, 'Cash and Bank'
    union all select 3, null, 'Net Receivables / (Payables)'
) c
join made_random r on r.i = (f.fund * 59 + c.k * 17 + d.seed * 5) % 8191
where c.k <> 1 or f.has_derivatives = 1;

-- Derivatives: hybrids and a few share funds sell futures on what they hold, debt funds pay fixed in swaps.
insert into made_line (fund, report_date, line, kind, ref, section, instrument, industry_rating, quantity, market_value)
select
    l.fund, l.report_date, 150 + l.line, 'future', l.ref, 'Equity Futures/Index',
    s.symbol || '_(' || strftime('%d/%m/%Y', l.report_date, '+28 days') || ')', s.industry,
    -round(l.quantity * 0.6), -round(round(l.quantity * 0.6) * c.close * 1.004 / 100000, 4)
from made_line l
join made_fund f on f.fund = l.fund
join made_share s on s.share = l.ref
join made_close c on c.share = l.ref and c.report_date = l.report_date
where l.kind = 'share' and f.has_derivatives = 1 and l.line < case f.style when 'hybrid' then 18 else 9 end;

insert into made_line (fund, report_date, line, kind, ref, section, instrument, industry_rating, quantity, market_value)
select
    f.fund, d.report_date, 200 + k.k, 'swap', k.k, 'Interest Rate Swaps',
    'Interest Rate Swaps Pay Fixed and Receive Floating (' || strftime('%d/%m/%Y', d.report_date, '+' || (400 + k.k * 90) || ' days') || ')',
    'Others', 2500000 * (1 + k.k), round((r.r % 20000 - 10000) / 100.0, 4)
from made_fund f
cross join made_date d
cross join (select 0 as k union all select 1 union all select 2) k
join made_random r on r.i = (f.fund * 47 + k.k * 23 + d.seed * 3) % 8191
where f.style = 'debt' and f.has_derivatives = 1;

-- Into the warehouse: dimensions first. A fund keeps its id; new ones count on from the largest.
insert into bd_funds (
    id_fund, fund_code, fund_short_name, fund_name, portfolio_geneva, portfolio_capm, portfolio_derivados, portfolio_ubs,
    flag_ubs, flag_derivados, active, incluir_en_cubo
)
select
    (select coalesce(max(id_fund), 100) from bd_funds) + row_number() over (order by f.fund),
    f.fund_code, f.short_name, f.fund_name, 'GVA-' || f.fund_code, 'MKTETF',
    case f.has_derivatives when 1 then 'DRV-' || f.fund_code end,
    case f.has_ubs when 1 then 'UBS-' || f.fund_code end,
    f.has_ubs, f.has_derivatives, 1, 1
from made_fund f
where f.fund_code not in (select fund_code from bd_funds);

insert or replace into bd_instruments (isin, symbol, series, company, industry)
select isin, symbol, 'EQ', company, industry from made_share;

insert or replace into bd_bonds (isin, coupon, maturity)
select isin, coupon, maturity from made_bond;

insert or replace into bd_feed_days (feed, data_date, usable_until, window_start)
select 'capm', day, date(day, '+10 days'), date(day, '-180 days') from made_day
union all
select 'fx', price_date, date(price_date, '+10 days'), date(price_date, '-180 days') from made_date;

-- The first day of all has no day before it here, and only serves the next.
insert or replace into homol_capm (price_date, symbol, series, prev_close, close, traded_quantity, turnover)
select d.day, c.symbol, 'EQ', p.close, c.close, 10000 + c.share * 977, (10000 + c.share * 977) * c.close / 100000
from made_day d
join made_daily c on c.day = d.day
join made_daily p on p.share = c.share and p.day = d.previous_day;

insert or replace into homol_fx (rate_date, currency, per_euro)
select d.price_date, 'INR', round(90 + (r.r % 1200) / 100.0, 4)
from made_date d
join made_random r on r.i = d.seed % 8191;

-- Then the source tables of the two dates: what these funds had there goes, what was made comes.
delete from homol_ipa where report_date in (select report_date from made_date) and portfolio in (select 'GVA-' || fund_code from made_fund);
delete from homol_posmodrf where report_date in (select report_date from made_date) and portfolio in (select 'GVA-' || fund_code from made_fund);
delete from homol_sona where report_date in (select report_date from made_date) and portfolio in (select 'GVA-' || fund_code from made_fund);
delete from homol_sona_totals where report_date in (select report_date from made_date) and portfolio in (select 'GVA-' || fund_code from made_fund);
delete from homol_derivados where report_date in (select report_date from made_date) and portfolio in (select 'DRV-' || fund_code from made_fund);
delete from homol_ubs_totals where report_date in (select report_date from made_date) and portfolio in (select 'UBS-' || fund_code from made_fund);
delete from homol_ubs where report_date in (select report_date from made_date) and portfolio in (select 'UBS-' || fund_code from made_fund);

insert into homol_sona_totals (report_date, portfolio, fund_name, published_total)
select l.report_date, 'GVA-' || f.fund_code, f.fund_name, round(sum(l.market_value), 2)
from made_line l
join made_fund f on f.fund = l.fund
where l.kind in ('share', 'bond', 'cash')
group by l.fund, l.report_date;

insert into homol_ipa (report_date, portfolio, line, section, sub_section, instrument, isin, industry_rating, quantity, market_value, pct_net_assets)
select
    l.report_date, 'GVA-' || f.fund_code, l.line, l.section, l.sub_section, l.instrument, l.isin, l.industry_rating, l.quantity,
    l.market_value, l.market_value / t.published_total
from made_line l
join made_fund f on f.fund = l.fund
join homol_sona_totals t on t.report_date = l.report_date and t.portfolio = 'GVA-' || f.fund_code
where l.kind in ('share', 'bond');

insert into homol_posmodrf (
    report_date, portfolio, line, instrument, isin, rating, coupon, maturity, quantity, market_value, yield, coupons_per_year,
    coupons_left, days_to_coupon, days_in_period, days_to_maturity
)
select
    l.report_date, 'GVA-' || f.fund_code, l.line, l.instrument, l.isin, l.industry_rating, b.coupon, b.maturity, l.quantity,
    l.market_value, round(p.yield, 6), b.coupons_per_year, p.coupons_left, p.days_to_coupon, p.days_in_period,
    p.days_to_maturity
from made_line l
join made_fund f on f.fund = l.fund
join made_bond b on b.bond = l.ref
join made_price p on p.bond = l.ref and p.report_date = l.report_date
where l.kind = 'bond';

insert into homol_sona (report_date, portfolio, line, kind, description, market_value, pct_net_assets)
select
    l.report_date, 'GVA-' || f.fund_code, l.line,
    case l.ref when 0 then 'treps' when 1 then 'margin' when 2 then 'cash_and_bank' else 'net_receivables' end,
    l.instrument, l.market_value, l.market_value / t.published_total
from made_line l
join made_fund f on f.fund = l.fund
join homol_sona_totals t on t.report_date = l.report_date and t.portfolio = 'GVA-' || f.fund_code
where l.kind = 'cash';

insert into homol_derivados (
    report_date, portfolio, line, kind, class, instrument, underlying, expiry, counterparty, industry, quantity, market_value,
    pct_net_assets
)
select
    l.report_date, 'DRV-' || f.fund_code, l.line, l.section, l.kind, l.instrument, s.symbol,
    substr(l.instrument, -5, 4) || '-' || substr(l.instrument, -8, 2) || '-' || substr(l.instrument, -11, 2),
    case l.kind when 'swap' then 'Clearing Corporation' end, l.industry_rating, l.quantity, l.market_value,
    l.market_value / t.published_total
from made_line l
join made_fund f on f.fund = l.fund
join homol_sona_totals t on t.report_date = l.report_date and t.portfolio = 'GVA-' || f.fund_code
left join made_share s on s.share = l.ref and l.kind = 'future'
where l.kind in ('future', 'swap');

-- The custodian agrees but for one line in forty, where it is ten units short, and one in ninety, which it does not list.
insert into homol_ubs (report_date, portfolio, line, isin, instrument, quantity, market_value)
select
    l.report_date, 'UBS-' || f.fund_code, l.line, l.isin, l.instrument,
    case when r.r % 40 = 0 then l.quantity - 10 else l.quantity end, l.market_value
from made_line l
join made_fund f on f.fund = l.fund
join made_random r on r.i = (l.fund * 41 + l.line * 73) % 8191
where l.kind in ('share', 'bond') and f.has_ubs = 1 and r.r % 90 <> 1;

insert into homol_ubs_totals (report_date, portfolio, published_total)
select u.report_date, u.portfolio, round(sum(u.market_value), 2)
from homol_ubs u
where u.report_date in (select report_date from made_date)
  and u.portfolio in (select 'UBS-' || fund_code from made_fund)
group by u.report_date, u.portfolio;

drop table temp.made_line;
drop table temp.made_fund;
drop table temp.made_price;
drop table temp.made_bond;
drop table temp.made_close;
drop table temp.made_daily;
drop table temp.made_day;
drop table temp.made_share;
drop table temp.made_date;
drop table temp.made_random;
drop table temp.made_setting;
