//! Who may: every route with every role, tokens that end, and addresses that are not this machine's.

use crate::client::Request;
use crate::rig::{Place, Served};
use carril::model::contract::Role;
use carril_server::{Authentication, House, ServeError, Server, openapi};
use serde_json::{Value, json};

/// Every route as the description has it: method, path, and the role that it wants.
fn routes() -> Vec<(String, String, Option<Role>)> {
    let description = openapi();
    let mut routes = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let role = operation.get("x-role").and_then(Value::as_str);
            let role = role.map(|role| role.parse().unwrap());
            routes.push((method.to_uppercase(), path.clone(), role));
        }
    }
    routes
}

/// A request of a route that means nothing that is there, so that whoever may use it is told so.
fn request(method: &str, path: &str) -> Request {
    let mut path = path.replace("{id}", "77");
    for name in ["{name}", "{key}", "{subject}"] {
        path = path.replace(name, "nothing");
    }
    let request = Request::new(method, &path);
    let body = match path.rsplit('/').next() {
        Some("signal") => json!({"name": "go"}),
        Some("breaker") => json!({"to": "auto"}),
        Some("tokens") => json!({"name": "", "role": "viewer"}),
        _ => json!({}),
    };
    if method == "POST" {
        request.json(&body)
    } else {
        request
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_who_may_and_nobody_else() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let mut tokens = Vec::new();
    for role in Role::ALL {
        tokens.push((role, served.token(role.name(), role).await));
    }
    let routes = routes();
    assert!(routes.len() > 40, "{}", routes.len());
    for (method, path, needed) in &routes {
        if path == "/api/v1/events" {
            continue;
        }
        let told = request(method, path).send(served.address).await;
        let Some(needed) = needed else {
            assert_eq!(told.status, 200, "{method} {path} is open");
            continue;
        };
        let told = told.refused(401, "CAR0901");
        assert_eq!(told.header("www-authenticate"), Some("Bearer"));
        for (role, token) in &tokens {
            let told = request(method, path)
                .token(token)
                .send(served.address)
                .await;
            if role < needed {
                let told = told.refused(403, "CAR0903");
                assert!(told.body.contains(needed.name()), "{}", told.body);
            } else {
                let status = told.status;
                let is_in = !matches!(status, 401 | 403 | 500);
                assert!(is_in, "{role} {method} {path}: {status} {}", told.body);
            }
        }
    }
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ended_or_is_none_opens_nothing() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let good = served.token("good", Role::Admin).await;
    let expired = served.token_until("old", Role::Admin, Some(2)).await;
    let path = "/api/v1/whoami";
    let who = Request::new("GET", path)
        .token(&good)
        .send(served.address)
        .await;
    assert_eq!(
        who.with(200).json(),
        json!({"name": "good", "role": "admin"})
    );
    let wrong = format!("{}0", &good[..good.len() - 1]);
    let wrong = if wrong == good {
        expired.clone()
    } else {
        wrong
    };
    for token in [expired.as_str(), wrong.as_str(), "carril_", "x", ""] {
        let told = Request::new("GET", path)
            .token(token)
            .send(served.address)
            .await;
        told.refused(401, "CAR0902");
    }
    let revoke = Request::new("DELETE", "/api/v1/tokens/good").token(&good);
    revoke.clone().send(served.address).await.with(202);
    revoke.send(served.address).await.refused(401, "CAR0902");
    let bare = served.get(path).await;
    bare.refused(401, "CAR0901");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_shown_once_and_listed_without_its_secret() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let body = json!({"name": "console", "role": "operator", "days": 30});
    let made = served.post("/api/v1/tokens", &body).await.with(201).json();
    let secret = made["token"].as_str().unwrap().to_owned();
    let admin = served.token("root", Role::Admin).await;
    let as_admin = |method: &str, path: &str| Request::new(method, path).token(&admin);
    let listed = as_admin("GET", "/api/v1/tokens").send(served.address).await;
    let listed = listed.with(200);
    assert!(!listed.body.contains(&secret[7..]), "{}", listed.body);
    assert_eq!(listed.json()["tokens"][1]["name"], "console");
    let again = as_admin("POST", "/api/v1/tokens").json(&body);
    again.send(served.address).await.refused(409, "CAR0914");
    let launch = Request::new("POST", "/api/v1/pipelines/sizes/launch").json(&json!({}));
    let launched = launch.token(&secret).send(served.address).await.with(201);
    assert_eq!(launched.json()["process"]["launched_by"], "console");
    let audit = as_admin("GET", "/api/v1/audit").send(served.address).await;
    let audit = audit.with(200);
    assert!(!audit.body.contains(&secret[7..]), "{}", audit.body);
    let deeds = audit.json()["deeds"].clone();
    assert_eq!(deeds[0]["who"], "console");
    assert_eq!(deeds[0]["role"], "operator");
    assert_eq!(deeds[0]["from"], "127.0.0.1");
    let store = std::fs::read(place.path().join("carril.db")).unwrap();
    let is_there = store
        .windows(secret.len())
        .any(|bytes| bytes == secret.as_bytes());
    assert!(!is_there, "the store has no secrets");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_elsewhere_want_a_token_to_have_been_made() {
    let place = Place::new();
    let engine = place.engine().await;
    let mut options = place.options();
    options.listen = "0.0.0.0:0".parse().unwrap();
    let house = House::Engine(engine.clone());
    let refused = Server::bind(house.clone(), options.clone()).await;
    let error = refused.expect_err("everybody would come in");
    assert!(matches!(error, ServeError::Open(_)), "{error}");
    assert_eq!(error.code(), "CAR0910");
    let near = Served::begin(house.clone(), place.options()).await;
    near.token("one", Role::Viewer).await;
    let server = Server::bind(house, options).await;
    drop(server.expect("there is a token"));
    near.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tokens_are_always_wanted_nobody_comes_in_without() {
    let place = Place::new();
    let mut options = place.options();
    options.authentication = Authentication::Tokens;
    let served = Served::begin(House::Engine(place.engine().await), options).await;
    served
        .get("/api/v1/processes")
        .await
        .refused(401, "CAR0901");
    served.get("/healthz").await.with(200);
    served.end().await;
}
