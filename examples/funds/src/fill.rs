//! Writes what the readers found into the source tables. Each document replaces what an earlier one said about the same
//! fund and date, price day, ISIN or rate, so that loading twice is loading once. Runs inside the caller's transaction.

use crate::feeds::index_list::Instrument;
use crate::feeds::prices::Price;
use crate::feeds::rates::Rate;
use crate::statement::{Line, Statement, words};
use crate::summary::LoadedDocument;
use rusqlite::{Transaction, named_params, params};
use std::collections::BTreeSet;

/// The exchange-traded fund whose price stands for the market, in the exchange's own file.
const MARKET_PROXY: &str = "NIFTYBEES";

/// For how many days after its last day a feed still counts as recent. The longest closure of the exchange in the real
/// prices is four days; ten leave room for a week of holidays.
const USABLE_DAYS: i64 = 10;

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
            self.forget_statement(statement)?;
            self.fund(statement)?;
            rows += 1 + statement.lines.len() + statement.derivatives.len();
            for line in &statement.lines {
                self.line(statement, line)?;
            }
            self.derivatives(statement)?;
        }
        Ok(rows)
    }

    fn forget_statement(&self, statement: &Statement) -> rusqlite::Result<()> {
        const FORGET: [&str; 5] = [
            "delete from homol_ipa where report_date = ?1 and portfolio = ?2",
            "delete from homol_posmodrf where report_date = ?1 and portfolio = ?2",
            "delete from homol_sona where report_date = ?1 and portfolio = ?2",
            "delete from homol_sona_totals where report_date = ?1 and portfolio = ?2",
            "delete from homol_derivados where report_date = ?1 and portfolio = ?2",
        ];
        let date = statement.report_date.to_string();
        for sql in FORGET {
            self.transaction
                .prepare_cached(sql)?
                .execute(params![date, statement.code])?;
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
        const TOTAL: &str = "
            insert into homol_sona_totals (report_date, portfolio, fund_name, published_total) values (?1, ?2, ?3, ?4)";
        let date = statement.report_date.to_string();
        self.transaction
            .prepare_cached(FUND)?
            .execute(named_params! {
                ":code": statement.code,
                ":name": statement.name,
                ":market": MARKET_PROXY,
                ":date": date,
            })?;
        self.transaction.prepare_cached(TOTAL)?.execute(params![
            date,
            statement.code,
            statement.name,
            statement.total
        ])?;
        Ok(())
    }

    /// Cash goes to SONA, all else to IPA, and fixed income to PosModRF as well. Every line lands in one of the first two.
    fn line(&self, statement: &Statement, line: &Line) -> rusqlite::Result<()> {
        let date = statement.report_date.to_string();
        let code = &statement.code;
        let isin = line.isin.as_deref();
        if let Some(kind) = words::cash_kind(&line.instrument, line.part.as_deref(), isin) {
            return self.cash(&date, code, line, kind);
        }
        self.security(&date, code, line)?;
        let is_fixed_income = words::is_fixed_income(line.section.as_deref(), line.part.as_deref());
        match isin {
            Some(isin) if is_fixed_income => self.fixed_income(&date, code, line, isin),
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
                report_date, portfolio, line, instrument, isin, rating, coupon, maturity, quantity, market_value,
                yield, yield_to_call
            )
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let maturity = words::maturity(&line.instrument).map(|maturity| maturity.to_string());
        self.transaction
            .prepare_cached(FIXED_INCOME)?
            .execute(params![
                date,
                code,
                line.row,
                line.instrument,
                isin,
                line.industry_rating,
                words::coupon(&line.instrument),
                maturity,
                line.quantity,
                line.value,
                line.yield_to_maturity,
                line.yield_to_call
            ])?;
        Ok(())
    }

    fn derivatives(&self, statement: &Statement) -> rusqlite::Result<()> {
        const DERIVATIVE: &str = "
            insert into homol_derivados (
                report_date, portfolio, line, kind, instrument, counterparty, industry, quantity, market_value,
                pct_net_assets
            )
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let date = statement.report_date.to_string();
        let mut insert = self.transaction.prepare_cached(DERIVATIVE)?;
        for one in &statement.derivatives {
            insert.execute(params![
                date,
                statement.code,
                one.row,
                one.kind,
                one.instrument,
                one.counterparty,
                one.industry,
                one.quantity,
                one.value,
                one.share
            ])?;
        }
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
            insert or replace into bd_feed_days (feed, data_date, usable_until)
            values (?1, ?2, date(?2, '+' || ?3 || ' days'))";
        self.transaction
            .prepare_cached(FEED_DAY)?
            .execute(params![feed, day, USABLE_DAYS])?;
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

    /// A fund has the derivatives flag when any of its statements has a derivative block.
    pub(crate) fn finish(&self) -> rusqlite::Result<()> {
        const FLAGS: &str = "
            update bd_funds
            set flag_derivados = exists (
                select 1 from homol_derivados v where v.portfolio = bd_funds.portfolio_derivados
            )
            where portfolio_derivados = portfolio_geneva";
        self.transaction.execute(FLAGS, [])?;
        Ok(())
    }
}
