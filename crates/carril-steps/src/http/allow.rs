//! Which places calls may go to besides the public internet: what the settings name, and nothing else.

use super::address::{is_public, is_within, plain};
use std::net::IpAddr;

/// The places that are no public addresses and may be called all the same. Empty by default.
///
/// An entry is an address (`127.0.0.1`), a network (`10.0.0.0/8`) or a host's name (`billing.internal`), each but the network
/// with a port if only that one may be called (`127.0.0.1:8080`, `[::1]:8080`). A name stands for whatever addresses it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    place: Place,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Network(IpAddr, u32),
    Name(String),
}

impl AllowList {
    /// Adds an entry.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment.
    pub fn add(&mut self, entry: &str) -> Result<(), String> {
        self.0.push(parse(entry)?);
        Ok(())
    }

    /// Whether a host with all these addresses may be called at that port. One forbidden address is enough to say no: which of
    /// them a connection takes is nobody's choice.
    ///
    /// # Errors
    /// The first address that may not be called.
    pub(super) fn check(&self, host: &str, port: u16, addresses: &[IpAddr]) -> Result<(), IpAddr> {
        let host = host.trim_end_matches('.');
        for address in addresses {
            let is_named = self.0.iter().any(|entry| {
                entry.port.is_none_or(|only| only == port)
                    && match &entry.place {
                        Place::Network(network, bits) => is_within(*address, *network, *bits),
                        Place::Name(name) => name.eq_ignore_ascii_case(host),
                    }
            });
            if !is_named && !is_public(*address) {
                return Err(plain(*address));
            }
        }
        Ok(())
    }
}

fn parse(entry: &str) -> Result<Entry, String> {
    let wrong = || {
        format!(
            "`{entry}` is neither an address, a network such as `10.0.0.0/8`, nor a host's name with or without a port"
        )
    };
    if let Some((network, bits)) = entry.split_once('/') {
        let network: IpAddr = network.parse().map_err(|_| wrong())?;
        let widest = if network.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits| *bits <= widest);
        let place = Place::Network(network, bits.ok_or_else(wrong)?);
        return Ok(Entry { place, port: None });
    }
    if let Ok(address) = entry.parse() {
        return Ok(Entry {
            place: one(address),
            port: None,
        });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => {
            let port = port.parse().ok().filter(|port| *port > 0);
            (host, Some(port.ok_or_else(wrong)?))
        }
        None => (entry, None),
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let place = match (bracketed, host.parse()) {
        (Some(address), _) => one(address.parse().map_err(|_| wrong())?),
        (None, Ok(address @ IpAddr::V4(_))) => one(address),
        (None, _) if is_host(host) => Place::Name(host.trim_end_matches('.').to_owned()),
        _ => return Err(wrong()),
    };
    Ok(Entry { place, port })
}

fn one(address: IpAddr) -> Place {
    let address = plain(address);
    Place::Network(address, if address.is_ipv4() { 32 } else { 128 })
}

fn is_host(text: &str) -> bool {
    // A last part of digits alone would be taken for an address by those who resolve it.
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_suffix('.').unwrap_or(text);
    !text.rsplit('.').next().is_none_or(is_number)
        && text.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

#[cfg(test)]
mod tests;
