//! Names and origins, ours and others'.

use super::{host_is_ours, origin_is_ours};

#[test]
fn addresses_and_our_names_are_ours_and_no_others() {
    let names = vec!["carril.example.com".to_owned()];
    let ours = [
        "localhost",
        "localhost:7411",
        "LOCALHOST",
        "127.0.0.1:7411",
        "10.1.2.3",
        "[::1]",
        "[::1]:7411",
        "carril.example.com",
        "Carril.Example.com:443",
    ];
    for host in ours {
        assert!(host_is_ours(host, &names), "{host}");
    }
    let others = [
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "carril.example.com.evil.example",
        "xcarril.example.com",
        "127.0.0.1@evil.example",
        "0x7f.1",
        "::1",
        "[::1",
        "[evil]",
    ];
    for host in others {
        assert!(!host_is_ours(host, &names), "{host}");
    }
}

#[test]
fn only_our_own_pages_and_programs_change_anything() {
    let allowed = vec!["https://console.example.com".to_owned()];
    let host = Some("localhost:7411");
    let ours = [
        (None, None),
        (Some("none"), None),
        (Some("same-origin"), None),
        (Some("same-origin"), Some("http://localhost:7411")),
        (None, Some("http://localhost:7411")),
        (Some("cross-site"), Some("https://console.example.com")),
    ];
    for (site, origin) in ours {
        assert!(
            origin_is_ours(site, origin, host, &allowed),
            "{site:?} {origin:?}"
        );
    }
    let others = [
        (Some("cross-site"), None),
        (Some("same-site"), None),
        (Some("same-site"), Some("http://localhost:7411")),
        (Some("cross-site"), Some("http://localhost:7411")),
        (None, Some("null")),
        (None, Some("http://localhost:8080")),
        (None, Some("http://localhost:7411.evil.example")),
        (Some("same-origin"), Some("https://evil.example")),
        (None, Some("https://console.example.com.evil.example")),
    ];
    for (site, origin) in others {
        assert!(
            !origin_is_ours(site, origin, host, &allowed),
            "{site:?} {origin:?}"
        );
    }
    assert!(!origin_is_ours(None, Some("http://a"), None, &allowed));
}
