//! Which addresses belong to the whole internet, and which to one machine, one network or nobody.
//!
//! Pure, and by the registries of special addresses (RFC 6890 and its successors). What is not known to be public is not:
//! addresses that carry another one inside are judged by that one, or not at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are not the internet: address, length of the prefix.
const V4_SPECIAL: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // This host.
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // Private.
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // Shared by the customers of one provider.
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // Loopback.
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // Link-local; the metadata of clouds.
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // Private.
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // Protocols.
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // Documentation.
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112, answers for private names.
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // Relays from IPv6, given up.
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // Private.
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // Benchmarks.
    (Ipv4Addr::new(198, 51, 100, 0), 24), // Documentation.
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // Documentation.
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // Multicast.
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // Reserved, and broadcast.
];

/// The only addresses of IPv6 that are routed between networks.
const V6_GLOBAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks among those that are not the internet all the same.
const V6_SPECIAL: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // Protocols, tunnels.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // Documentation.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 address inside.
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // Documentation.
];

/// How networks with IPv6 alone reach IPv4: the last 32 bits are that address (RFC 6052).
const V6_TRANSLATED: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Whether an address belongs to the whole internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => !V4_SPECIAL
            .iter()
            .any(|(network, bits)| v4_within(address, *network, *bits)),
        IpAddr::V6(address) if v6_within(address, V6_TRANSLATED.0, V6_TRANSLATED.1) => {
            let [.., a, b, c, d] = address.octets();
            is_public(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        IpAddr::V6(address) => {
            v6_within(address, V6_GLOBAL.0, V6_GLOBAL.1)
                && !V6_SPECIAL
                    .iter()
                    .any(|(network, bits)| v6_within(address, *network, *bits))
        }
    }
}

/// The address that packets go to: `::ffff:127.0.0.1` is `127.0.0.1`.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Whether an address is in the network that has the first `bits` of `network`.
pub(super) fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (plain(address), network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => v4_within(address, network, bits),
        (IpAddr::V6(address), IpAddr::V6(network)) => v6_within(address, network, bits),
        _ => false,
    }
}

fn v4_within(address: Ipv4Addr, network: Ipv4Addr, bits: u32) -> bool {
    let differs = address.to_bits() ^ network.to_bits();
    differs.checked_shr(32 - bits).unwrap_or(0) == 0
}

fn v6_within(address: Ipv6Addr, network: Ipv6Addr, bits: u32) -> bool {
    let differs = address.to_bits() ^ network.to_bits();
    differs.checked_shr(128 - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests;
