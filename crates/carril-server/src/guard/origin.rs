//! Whether a request was meant for us, by the name it was sent to and the page it was sent from. Only texts are looked at.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a `Host` is one of ours: an address, `localhost`, or a configured name, with any port. A page elsewhere can make its own
/// name mean our address, but not an address; names it cannot have are therefore enough.
pub(crate) fn host_is_ours(host: &str, names: &[String]) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    let is_address = name.parse::<Ipv4Addr>().is_ok()
        || name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .is_some_and(|name| name.parse::<Ipv6Addr>().is_ok());
    is_address || name == "localhost" || names.contains(&name)
}

/// Whether something that changes the store may come from here. Browsers say where a request comes from; programs that are none
/// say nothing, and nobody can make them send what they do not want to.
pub(crate) fn origin_is_ours(
    site: Option<&str>,
    origin: Option<&str>,
    host: Option<&str>,
    allowed: &[String],
) -> bool {
    if origin.is_some_and(|origin| allowed.contains(&origin.to_ascii_lowercase())) {
        return true;
    }
    match (site, origin) {
        (Some("same-origin" | "none"), None) | (None, None) => true,
        (None | Some("same-origin"), Some(origin)) => {
            let rest = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"));
            rest.zip(host)
                .is_some_and(|(rest, host)| rest.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}

/// `localhost` of `localhost:80`, `[::1]` of `[::1]:80`.
fn without_port(host: &str) -> &str {
    let end_of_address = host.rfind(']').map_or(0, |at| at + 1);
    let port = host.get(end_of_address..).and_then(|rest| rest.rfind(':'));
    port.map_or(host, |at| host.get(..end_of_address + at).unwrap_or(host))
}

#[cfg(test)]
mod tests;
