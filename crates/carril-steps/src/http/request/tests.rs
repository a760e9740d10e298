//! Values in URLs, headers and bodies: where they end up, and that they cannot leave their place.

use super::*;
use proptest::prelude::*;
use reqwest::header::REFERER;
use serde_json::json;

struct Values;

impl Lookup for Values {
    fn get(&self, name: &str) -> Option<Value> {
        Some(match name {
            "key" => json!("IPA 01/ü?&#%"),
            "dots" => json!(".."),
            "dot" => json!("."),
            "encoded" => json!("%2e%2E"),
            "empty" => json!(""),
            "host" => json!("@evil.example/"),
            "back" => json!("\\evil.example"),
            "lines" => json!("a\r\nX-Other: b"),
            "count" => json!(12),
            "list" => json!([1, "a"]),
            "null" => Value::Null,
            _ => return None,
        })
    }
}

fn filled(text: &str) -> Result<String, String> {
    url(text, &Values)
        .map(String::from)
        .map_err(|error| format!("{} {}", error.code, error.message))
}

#[test]
fn values_stay_in_their_part_of_a_url() {
    let cases = [
        (
            "https://a.example/f/{key}",
            "https://a.example/f/IPA%2001%2F%C3%BC%3F%26%23%25",
        ),
        (
            "https://a.example/f?k={key}&n={count}",
            "https://a.example/f?k=IPA%2001%2F%C3%BC%3F%26%23%25&n=12",
        ),
        (
            "https://a.example/{host}",
            "https://a.example/%40evil.example%2F",
        ),
        (
            "https://a.example/{back}",
            "https://a.example/%5Cevil.example",
        ),
        (
            "https://a.example?{host}",
            "https://a.example/?%40evil.example%2F",
        ),
        (
            "https://a.example/{lines}",
            "https://a.example/a%0D%0AX-Other%3A%20b",
        ),
        (
            "https://a.example/{encoded}/x",
            "https://a.example/%252e%252E/x",
        ),
        ("https://a.example/v{dots}", "https://a.example/v.."),
        (
            "https://a.example/f?k={dots}&e={empty}",
            "https://a.example/f?k=..&e=",
        ),
        ("https://a.example/f{empty}", "https://a.example/f"),
        (
            "https://a.example/{list}",
            "https://a.example/%5B1%2C%22a%22%5D",
        ),
        ("https://a.example/{{x}}", "https://a.example/%7Bx%7D"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://127.1:80/", "http://127.0.0.1/"),
    ];
    for (text, expected) in cases {
        assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn values_that_lead_elsewhere_are_refused() {
    let cases = [
        ("https://a.example/f/{dots}/x", "CAR0510"),
        ("https://a.example/f/{dot}", "CAR0510"),
        ("https://a.example/f/.{dot}", "CAR0510"),
        ("https://a.example/f/%2e{dot}", "CAR0510"),
        ("https://a.example/f/{empty}", "CAR0510"),
        ("https://a.example/{empty}/f", "CAR0510"),
        ("https://a.example/{null}", "CAR0510"),
        ("https://a.example/{nobody}", "CAR0510"),
        // The check of a pipeline refuses these already.
        ("https://a.example{host}", "CAR0534"),
        ("https://{key}.example/", "CAR0534"),
        ("https://u:p@a.example/", "CAR0534"),
        ("ftp://a.example/", "CAR0534"),
    ];
    for (text, code) in cases {
        let error = filled(text).expect_err(text);
        assert!(error.starts_with(code), "{text}: {error}");
    }
    let long = format!("https://a.example/{}", "a".repeat(URL_BYTES_MAX));
    assert!(filled(&long).expect_err("too long").contains("8192 bytes"));
}

#[test]
fn a_text_that_is_one_value_keeps_its_type() {
    let template = json!({
        "count": "{count}", "list": "{list}", "nothing": "{null}", "text": "n={count}", "braces": "{{count}}",
        "deep": [{"key": "{key}"}], "number": 1.5, "yes": true,
    });
    let expected = json!({
        "count": 12, "list": [1, "a"], "nothing": null, "text": "n=12", "braces": "{count}",
        "deep": [{"key": "IPA 01/ü?&#%"}], "number": 1.5, "yes": true,
    });
    assert_eq!(fill_json(&template, &Values).unwrap(), expected);
    assert_eq!(
        fill_json(&json!(["x{null}"]), &Values).unwrap_err().code,
        "CAR0510"
    );
    assert_eq!(
        fill_json(&json!("{nobody}"), &Values).unwrap_err().code,
        "CAR0510"
    );
}

#[test]
fn no_value_ends_a_header_and_secrets_are_hidden() {
    let secrets: SecretLookup = std::sync::Arc::new(|name| match name {
        "token" => Ok("s3cr3t".to_owned()),
        "longer" => Ok("s3cr3t-and-more".to_owned()),
        "broken" => Ok("a\nb".to_owned()),
        _ => Err(format!("there is no secret `{name}`")),
    });
    let mut hidden = Hidden::default();
    let mut filled = |text| header("X-Test", text, &Values, &secrets, &mut hidden);
    let plain = filled("n={count} ü").unwrap();
    assert_eq!(
        (plain.as_bytes(), plain.is_sensitive()),
        ("n=12 ü".as_bytes(), false)
    );
    let secret = filled("Bearer ${secret:token}").unwrap();
    assert_eq!(
        (secret.as_bytes(), secret.is_sensitive()),
        (&b"Bearer s3cr3t"[..], true)
    );
    assert_eq!(filled("{lines}").unwrap_err().code, "CAR0534");
    let error = filled("${secret:broken}").unwrap_err();
    assert!(
        error.code == "CAR0534" && !error.message.contains("a\nb"),
        "{error:?}"
    );
    assert!(
        filled("${secret:none}")
            .unwrap_err()
            .message
            .contains("there is no secret `none`")
    );

    let echoed = json!({"s3cr3t": ["Bearer s3cr3t", 1, {"x": "s3cr3ts3cr3t"}]});
    assert!(!hidden.hide_in(echoed).to_string().contains("s3cr3t"));
    assert_eq!(hidden.hide("a s3cr3t b"), "a ${secret:token} b");
    assert_eq!(hidden.hide_cut("a s3cr3t b"), "a ${secret:token} b");
    assert_eq!(hidden.hide_cut("a s3cr3t b s3cr"), "a ${secret:token} b ");
    assert_eq!(hidden.hide_cut("a s"), "a ");

    // One that is everywhere is no secret.
    let mut hidden = Hidden::default();
    hidden.add("the", "${secret:short}");
    assert_eq!(hidden.hide("the answer"), "the answer");

    // As a part of another, and as JSON has it.
    let mut hidden = Hidden::default();
    hidden.add("word", "${secret:short}");
    hidden.add("pass\"word\"", "${secret:long}");
    let told = "pass\"word\" word {\"x\": \"pass\\\"word\\\"\"}";
    let shown = "${secret:long} ${secret:short} {\"x\": \"${secret:long}\"}";
    assert_eq!(hidden.hide(told), shown);
}

fn at(url: &str) -> Request {
    let mut headers = HeaderMap::new();
    let mut token = HeaderValue::from_static("t");
    token.set_sensitive(true);
    headers.insert("x-token", token);
    headers.insert(AUTHORIZATION, HeaderValue::from_static("a"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(REFERER, HeaderValue::from_static("r"));
    Request {
        method: Method::POST,
        url: Url::parse(url).unwrap(),
        headers,
        body: Some(b"b".to_vec()),
    }
}

fn redirected(from: &str, status: u16, to: &str) -> Result<Request, String> {
    let mut answer = HeaderMap::new();
    answer.insert(LOCATION, HeaderValue::from_str(to).unwrap());
    at(from)
        .redirected(status, &answer)
        .map_err(|error| format!("{} {}", error.code, error.message))
}

#[test]
fn a_redirect_takes_no_secret_to_another_place() {
    let from = "https://a.example/x/y";
    for (to, url, keeps) in [
        ("z", "https://a.example/x/z", true),
        ("/z", "https://a.example/z", true),
        ("https://a.example:443/z", "https://a.example/z", true),
        ("https://a.example:444/z", "https://a.example:444/z", false),
        ("//b.example/z", "https://b.example/z", false),
        ("https://sub.a.example/", "https://sub.a.example/", false),
    ] {
        let next = redirected(from, 307, to).unwrap();
        assert_eq!((next.url.as_str(), next.method), (url, Method::POST));
        assert_eq!(next.body.as_deref(), Some(&b"b"[..]));
        assert_eq!(next.headers.contains_key("x-token"), keeps, "{to}");
        assert_eq!(next.headers.contains_key(AUTHORIZATION), keeps, "{to}");
        assert!(next.headers.contains_key(REFERER), "{to}");
    }
}

#[test]
fn some_redirects_turn_a_request_into_a_get() {
    for (status, becomes_get) in [
        (301, true),
        (302, true),
        (303, true),
        (307, false),
        (308, false),
    ] {
        let next = redirected("http://a.example/", status, "/b").unwrap();
        assert_eq!(next.method == Method::GET, becomes_get, "{status}");
        assert_eq!(next.body.is_none(), becomes_get, "{status}");
        assert_eq!(
            next.headers.contains_key(CONTENT_TYPE),
            !becomes_get,
            "{status}"
        );
    }
}

#[test]
fn some_redirects_are_not_followed() {
    for (to, why) in [
        ("http://a.example/", "from https to http"),
        ("ftp://a.example/", "begins with neither"),
        ("file:///etc/passwd", "begins with neither"),
        ("https://u:p@a.example/", "a user or a password"),
        ("https://", "is no URL"),
    ] {
        let error = redirected("https://a.example/", 302, to).err().expect(to);
        assert!(
            error.starts_with("CAR0531") && error.contains(why),
            "{to}: {error}"
        );
    }
    let error = at("https://a.example/").redirected(302, &HeaderMap::new());
    assert!(error.is_err_and(|error| error.message.contains("names no place")));
}

/// Any value, under any name.
struct Any(String);

impl Lookup for Any {
    fn get(&self, _name: &str) -> Option<Value> {
        Some(Value::from(self.0.as_str()))
    }
}

proptest! {
    /// A value is refused, or is one part of the path and one of the query, and comes out as it was put in.
    #[test]
    fn no_value_changes_where_a_call_goes(value in r"(\PC|[/?#@:\\\\.%\x00-\x20\[\]]){0,12}") {
        let made = url("https://a.example:8443/f/{x}/g?k={x}&n=1", &Any(value.clone()));
        let may_fail = matches!(value.as_str(), "" | "." | "..");
        prop_assert_eq!(made.is_err(), may_fail);
        if let Ok(url) = made {
            prop_assert_eq!(url.origin(), Url::parse("https://a.example:8443").unwrap().origin());
            prop_assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None));
            let segments: Vec<&str> = url.path_segments().unwrap().collect();
            prop_assert_eq!((segments.len(), segments[0], segments[2]), (3, "f", "g"));
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![("k".to_owned(), value), ("n".to_owned(), "1".to_owned())]);
        }
    }
}
