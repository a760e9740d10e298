//! The feeds that come as CSV: prices, index lists, rates. Each reader turns text into rows or one precise error, and
//! knows nothing of the warehouse.

pub(crate) mod index_list;
pub(crate) mod prices;
pub(crate) mod rates;
mod table;

#[cfg(test)]
mod tests;
