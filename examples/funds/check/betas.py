"""Computes the betas of a warehouse's funds with numpy and pandas, and compares them with those that the pipeline published.

    pip install pandas
    python3 check/betas.py warehouse.db 2025-06-30

Prints how many betas were compared and the largest difference, and ends with 1 when that is above 1e-6.
"""

import sqlite3
import sys

import pandas


def main(warehouse: str, date: str) -> int:
    connection = sqlite3.connect(f"file:{warehouse}?mode=ro", uri=True)
    until, after = connection.execute(
        """select data_date, window_start from bd_feed_days
           where feed = 'capm' and data_date <= ?1 and usable_until >= ?1 order by data_date desc limit 1""",
        (date,),
    ).fetchone()
    prices = pandas.read_sql(
        """select price_date, symbol, close / prev_close - 1 as change from homol_capm
           where prev_close > 0 and series = 'EQ' and price_date > ? and price_date <= ?""",
        connection,
        params=(after, until),
    )
    prices = prices[prices.change.between(-1 / 3, 1 / 3)]
    returns = prices.pivot(index="price_date", columns="symbol", values="change")
    published = pandas.read_sql(
        """select distinct s.symbol, f.portfolio_capm as market, p.beta
           from fund_position p join bd_instruments s on s.isin = p.isin join bd_funds f on f.fund_code = p.fund_code
           where p.report_date = ? and p.beta is not null""",
        connection,
        params=(date,),
    )
    largest = 0.0
    for row in published.itertuples():
        pair = returns[[row.symbol, row.market]].dropna() if row.symbol != row.market else None
        again = 1.0 if pair is None else pair[row.symbol].cov(pair[row.market]) / pair[row.market].var()
        largest = max(largest, abs(again - row.beta))
    print(f"{len(published)} betas from {after} to {until}, the largest difference is {largest:.3g}")
    return 0 if len(published) and largest <= 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
