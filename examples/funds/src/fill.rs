//! Writes what the readers found into the source tables. Each document replaces what an earlier one said about the same
//! fund and date, price day, ISIN or rate, so that loading twice is loading once. Runs inside the caller's transaction.

use crate::bonds::{self, Terms};
use crate::feeds::index_list::Instrument;
use crate::feeds::prices::Price;
use crate::feeds::rates::Rate;
use crate::statement::{Derivative, Line, Statement, words};
use crate::summary::LoadedDocument;
use jiff::civil::Date;
use rusqlite::{OptionalExtension as _, Transaction, named_params, params};
use std::collections::BTreeSet;

/// The exchange-traded fund whose price stands for the market, in the exchange's own file.
const MARKET_PROXY: &str = "NIFTYBEES";

/// For how many days after its last day a feed still counts as recent. The longest closure of the exchange in the real
/// prices is four days; ten leave room for a week of holidays.
const USABLE_DAYS: i64 = 10;

/// How many days of prices a beta looks back on: half a year, about 120 trading days.
const WINDOW_DAYS: i64 = 180;

pub(crate) struct Fill<'a> {
    transaction: &'a Transaction<'a>,
}

impl<'a> Fill<'a> {
    pub(crate) fn new(transaction: &'a Transaction<'a>) -> Self {
        Self { transaction }
    }

    /// Returns how many rows were written to the source tables.
    pub(crate) fn statements(&self, statements: &[Statement]) -> rusqlite::Result<usize> {
        let mut rows = 0;
        for statement in statements {
            self.fund(statement)?;
            rows += self.statement(statement, &statement.code, "statement")?;
        }
        Ok(rows)
    }

    /// Writes a fund's statement under its portfolio, in place of what was there for the date.
    fn statement(
        &self,
        statement: &Statement,
        portfolio: &str,
        source: &str,
    ) -> rusqlite::Result<usize> {
        const TOTAL: &str = "
            insert into homol_sona_totals (report_date, portfolio, fund_name, published_total, currency, source)
            values (?1, ?2, ?3, ?4, ?5, ?6)";
        let date = statement.report_date.to_string();
        self.forget_statement(&date, portfolio)?;
        self.transaction.prepare_cached(TOTAL)?.execute(params![
            date,
            portfolio,
            statement.name,
            statement.total,
            statement.currency,
            source
        ])?;
        for line in &statement.lines {
            self.line(&date, portfolio, line)?;
        }
        for one in &statement.derivatives {
            self.derivative(&date, portfolio, one)?;
        }
        Ok(1 + statement.lines.len() + statement.derivatives.len())
    }

    /// Custodians' files. A fund is the one whose `portfolio_ubs` is the file's code, or else a new one of that code. Where a
    /// fund has no statement of the date, its custodian's file stands in for it, until one comes.
    pub(crate) fn custodians(&self, files: &[Statement]) -> rusqlite::Result<usize> {
        const OWNER: &str = "select portfolio_geneva from bd_funds where portfolio_ubs = ?1";
        const FLAG: &str =
            "update bd_funds set portfolio_ubs = ?1, flag_ubs = 1 where portfolio_geneva = ?2";
        const STATED: &str = "
            select 1 from homol_sona_totals where report_date = ?1 and portfolio = ?2 and source = 'statement'";
        let mut rows = 0;
        for file in files {
            let owner: Option<String> = self
                .transaction
                .prepare_cached(OWNER)?
                .query_row([&file.code], |row| row.get(0))
                .optional()?;
            let portfolio = match owner {
                Some(portfolio) => portfolio,
                None => {
                    self.fund(file)?;
                    file.code.clone()
                }
            };
            self.transaction
                .prepare_cached(FLAG)?
                .execute(params![file.code, portfolio])?;
            rows += self.custody(file)?;
            let date = file.report_date.to_string();
            if !self
                .transaction
                .prepare_cached(STATED)?
                .exists(params![date, portfolio])?
            {
                rows += self.statement(file, &portfolio, "custodian")?;
            }
        }
        Ok(rows)
    }

    fn custody(&self, file: &Statement) -> rusqlite::Result<usize> {
        const FORGET: [&str; 2] = [
            "delete from homol_ubs where report_date = ?1 and portfolio = ?2",
            "delete from homol_ubs_totals where report_date = ?1 and portfolio = ?2",
        ];
        const TOTAL: &str = "insert into homol_ubs_totals (report_date, portfolio, published_total) values (?1, ?2, ?3)";
        const HELD: &str = "
            insert into homol_ubs (report_date, portfolio, line, isin, instrument, quantity, market_value)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let date = file.report_date.to_string();
        for sql in FORGET {
            self.transaction
                .prepare_cached(sql)?
                .execute(params![date, file.code])?;
        }
        self.transaction
            .prepare_cached(TOTAL)?
            .execute(params![date, file.code, file.total])?;
        for line in &file.lines {
            self.transaction.prepare_cached(HELD)?.execute(params![
                date,
                file.code,
                line.row,
                line.isin,
                line.instrument,
                line.quantity,
                line.value
            ])?;
            if let (Some(isin), Some(terms)) = (&line.isin, &line.terms) {
                self.bond(isin, terms)?;
            }
        }
        Ok(1 + file.lines.len())
    }

    fn forget_statement(&self, date: &str, portfolio: &str) -> rusqlite::Result<()> {
        const FORGET: [&str; 5] = [
            "delete from homol_ipa where report_date = ?1 and portfolio = ?2",
            "delete from homol_posmodrf where report_date = ?1 and portfolio = ?2",
            "delete from homol_sona where report_date = ?1 and portfolio = ?2",
            "delete from homol_sona_totals where report_date = ?1 and portfolio = ?2",
            "delete from homol_derivados where report_date = ?1 and portfolio = ?2",
        ];
        for sql in FORGET {
            self.transaction
                .prepare_cached(sql)?
                .execute(params![date, portfolio])?;
        }
        Ok(())
    }

    /// A fund that is new gets the next id; one that is there keeps its id and whatever people set on it. Its name is
    /// that of its latest statement.
    fn fund(&self, statement: &Statement) -> rusqlite::Result<()> {
        const FUND: &str = "
            insert into bd_funds (
                id_fund, fund_code, fund_short_name, fund_name, portfolio_geneva, portfolio_capm, portfolio_derivados
            )
            values (
                (select coalesce(max(id_fund), 100) + 1 from bd_funds), :code, :code, :name, :code, :market, :code
            )
            on conflict (fund_code) do update set fund_name = excluded.fund_name
            where not exists (
                select 1 from homol_sona_totals t where t.portfolio = excluded.portfolio_geneva and t.report_date > :date
            )";
        let date = statement.report_date.to_string();
        self.transaction
            .prepare_cached(FUND)?
            .execute(named_params! {
                ":code": statement.code,
                ":name": statement.name,
                ":market": MARKET_PROXY,
                ":date": date,
            })?;
        Ok(())
    }

    /// Cash goes to SONA, all else to IPA, and fixed income to PosModRF as well. Every line lands in one of the first two.
    fn line(&self, date: &str, code: &str, line: &Line) -> rusqlite::Result<()> {
        let isin = line.isin.as_deref();
        if let Some(kind) = words::cash_kind(&line.instrument, line.part.as_deref(), isin) {
            return self.cash(date, code, line, kind);
        }
        self.security(date, code, line)?;
        let is_fixed_income = words::is_fixed_income(line.section.as_deref(), line.part.as_deref());
        match isin {
            Some(isin) if is_fixed_income => self.fixed_income(date, code, line, isin),
            _ => Ok(()),
        }
    }

    fn cash(&self, date: &str, code: &str, line: &Line, kind: &str) -> rusqlite::Result<()> {
        const CASH: &str = "
            insert into homol_sona (report_date, portfolio, line, kind, description, market_value, pct_net_assets)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.transaction.prepare_cached(CASH)?.execute(params![
            date,
            code,
            line.row,
            kind,
            line.instrument,
            line.value,
            line.share
        ])?;
        Ok(())
    }

    fn security(&self, date: &str, code: &str, line: &Line) -> rusqlite::Result<()> {
        const SECURITY: &str = "
            insert into homol_ipa (
                report_date, portfolio, line, section, sub_section, instrument, isin, industry_rating, quantity,
                market_value, pct_net_assets
            )
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        self.transaction.prepare_cached(SECURITY)?.execute(params![
            date,
            code,
            line.row,
            line.section,
            line.part,
            line.instrument,
            line.isin,
            line.industry_rating,
            line.quantity,
            line.value,
            line.share
        ])?;
        Ok(())
    }

    fn fixed_income(
        &self,
        date: &str,
        code: &str,
        line: &Line,
        isin: &str,
    ) -> rusqlite::Result<()> {
        const FIXED_INCOME: &str = "
            insert into homol_posmodrf (
                report_date, portfolio, line, instrument, isin, rating, quantity, market_value, yield, yield_to_call,
                coupon, maturity, is_floating, coupons_per_year
            )
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let terms = line.terms.unwrap_or_else(|| Terms::of(line));
        let maturity = terms.maturity.map(|maturity| maturity.to_string());
        self.transaction
            .prepare_cached(FIXED_INCOME)?
            .execute(params![
                date,
                code,
                line.row,
                line.instrument,
                isin,
                line.industry_rating,
                line.quantity,
                line.value,
                line.yield_to_maturity,
                line.yield_to_call,
                terms.coupon,
                maturity,
                terms.is_floating,
                terms.coupons_per_year
            ])?;
        self.bond(isin, &terms)
    }

    /// Notes what is known of a bond, for the documents that do not say.
    fn bond(&self, isin: &str, terms: &Terms) -> rusqlite::Result<()> {
        const BOND: &str = "
            insert into bd_bonds (isin, coupon, maturity) values (?1, ?2, ?3)
            on conflict (isin) do update set
                coupon = coalesce(excluded.coupon, coupon), maturity = coalesce(excluded.maturity, maturity)";
        if terms.coupon.is_some() || terms.maturity.is_some() {
            let maturity = terms.maturity.map(|maturity| maturity.to_string());
            self.transaction.prepare_cached(BOND)?.execute(params![
                isin,
                terms.coupon,
                maturity
            ])?;
        }
        Ok(())
    }

    fn derivative(&self, date: &str, portfolio: &str, one: &Derivative) -> rusqlite::Result<()> {
        const DERIVATIVE: &str = "
            insert into homol_derivados (
                report_date, portfolio, line, kind, class, instrument, underlying, expiry, counterparty, industry, quantity,
                market_value, pct_net_assets, in_total
            )
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        self.transaction
            .prepare_cached(DERIVATIVE)?
            .execute(params![
                date,
                portfolio,
                one.row,
                one.kind,
                one.class,
                one.instrument,
                one.underlying,
                one.expiry.map(|expiry| expiry.to_string()),
                one.counterparty,
                one.industry,
                one.quantity,
                one.value,
                one.share,
                one.is_in_total
            ])?;
        Ok(())
    }

    /// A price file is a whole day: a symbol that it no longer has goes.
    pub(crate) fn prices(&self, prices: &[Price]) -> rusqlite::Result<()> {
        const PRICE: &str = "
            insert into homol_capm (price_date, symbol, series, prev_close, close, traded_quantity, turnover)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let days: BTreeSet<String> = prices.iter().map(|price| price.day.to_string()).collect();
        for day in &days {
            self.transaction
                .prepare_cached("delete from homol_capm where price_date = ?1")?
                .execute(params![day])?;
            self.feed_day("capm", day)?;
        }
        let mut insert = self.transaction.prepare_cached(PRICE)?;
        for price in prices {
            insert.execute(params![
                price.day.to_string(),
                price.symbol,
                price.series,
                price.previous_close,
                price.close,
                price.traded_quantity,
                price.turnover
            ])?;
        }
        Ok(())
    }

    pub(crate) fn instruments(&self, instruments: &[Instrument]) -> rusqlite::Result<()> {
        const INSTRUMENT: &str = "
            insert or replace into bd_instruments (isin, symbol, series, company, industry) values (?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.transaction.prepare_cached(INSTRUMENT)?;
        for one in instruments {
            insert.execute(params![
                one.isin,
                one.symbol,
                one.series,
                one.company,
                one.industry
            ])?;
        }
        Ok(())
    }

    pub(crate) fn rates(&self, rates: &[Rate]) -> rusqlite::Result<()> {
        const RATE: &str =
            "insert or replace into homol_fx (rate_date, currency, per_euro) values (?1, ?2, ?3)";
        let days: BTreeSet<String> = rates.iter().map(|rate| rate.day.to_string()).collect();
        for day in &days {
            self.feed_day("fx", day)?;
        }
        let mut insert = self.transaction.prepare_cached(RATE)?;
        for rate in rates {
            insert.execute(params![rate.day.to_string(), rate.currency, rate.per_euro])?;
        }
        Ok(())
    }

    fn feed_day(&self, feed: &str, day: &str) -> rusqlite::Result<()> {
        const FEED_DAY: &str = "
            insert or replace into bd_feed_days (feed, data_date, usable_until, window_start)
            values (?1, ?2, date(?2, '+' || ?3 || ' days'), date(?2, '-' || ?4 || ' days'))";
        self.transaction.prepare_cached(FEED_DAY)?.execute(params![
            feed,
            day,
            USABLE_DAYS,
            WINDOW_DAYS
        ])?;
        Ok(())
    }

    pub(crate) fn document(&self, loaded: &LoadedDocument) -> rusqlite::Result<()> {
        const DOCUMENT: &str = "
            insert or replace into bd_documents (document, kind, first_date, last_date, row_count)
            values (?1, ?2, ?3, ?4, ?5)";
        let rows = i64::try_from(loaded.rows).unwrap_or(i64::MAX);
        self.transaction.prepare_cached(DOCUMENT)?.execute(params![
            loaded.document,
            loaded.kind,
            loaded.first_date,
            loaded.last_date,
            rows
        ])?;
        Ok(())
    }

    /// What can only be told once all documents of the call are there: bonds' terms that stand in another document, the days
    /// to their coupons, and the funds' flags.
    pub(crate) fn finish(&self) -> rusqlite::Result<()> {
        /// A fund has the derivatives flag when any of its statements has a derivative block.
        const FLAGS: &str = "
            update bd_funds
            set flag_derivados = exists (
                select 1 from homol_derivados v where v.portfolio = bd_funds.portfolio_derivados
            )
            where portfolio_derivados = portfolio_geneva";
        /// The rows that lack a term, and have one that a bond of the same ISIN has elsewhere.
        const COMPLETE: &str = "
            update homol_posmodrf
            set coupon = coalesce(coupon, (select b.coupon from bd_bonds b where b.isin = homol_posmodrf.isin)),
                maturity = coalesce(maturity, (select b.maturity from bd_bonds b where b.isin = homol_posmodrf.isin))
            where coupon is null or maturity is null";
        self.transaction.execute(COMPLETE, [])?;
        self.schedules()?;
        self.transaction.execute(FLAGS, [])?;
        Ok(())
    }

    /// Works out the days to the coupons where they are not there yet.
    fn schedules(&self) -> rusqlite::Result<()> {
        const DUE: &str = "
            select rowid, report_date, maturity, coupons_per_year
            from homol_posmodrf
            where coupons_left is null and maturity is not null and coupons_per_year is not null";
        const SET: &str = "
            update homol_posmodrf
            set coupons_left = ?2, days_to_coupon = ?3, days_in_period = ?4, days_to_maturity = ?5
            where rowid = ?1";
        let due: Vec<(i64, String, String, u8)> = self
            .transaction
            .prepare(DUE)?
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (row, report_date, maturity, coupons_per_year) in due {
            let (Ok(on), Ok(until)) = (report_date.parse::<Date>(), maturity.parse::<Date>())
            else {
                continue;
            };
            if let Some(schedule) = bonds::schedule(on, until, coupons_per_year) {
                self.transaction.prepare_cached(SET)?.execute(params![
                    row,
                    schedule.coupons_left,
                    schedule.days_to_coupon,
                    schedule.days_in_period,
                    schedule.days_to_maturity
                ])?;
            }
        }
        Ok(())
    }
}
