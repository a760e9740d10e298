//! What documents say of the server is what it does. `CARRIL_BLESS=1` writes the description of the API anew.

use crate::client::Request;
use crate::rig::{Place, Served};
use carril_server::openapi;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn document(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    root.join(name)
}

#[test]
fn the_description_of_the_api_is_the_kept_one() {
    let mut text = serde_json::to_string_pretty(&openapi()).unwrap();
    text.push('\n');
    let file = document("reference/openapi.json");
    if std::env::var_os("CARRIL_BLESS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "{} is not what the server describes; CARRIL_BLESS=1 writes it anew",
        file.display()
    );
}

#[test]
fn every_reference_in_the_description_leads_somewhere() {
    let description = openapi();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let text = description.to_string();
    let references = text.split("#/components/schemas/").skip(1);
    for reference in references {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_the_description_says() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let id = served.launch("fail").await;
    served.settled(id, "completed_with_errors").await;
    let path = format!("/api/v1/processes/{id}/executions?state=failed");
    let failed = served.get(&path).await.json();
    let execution = failed["executions"][0]["id"].clone();
    let description = served.get("/api/v1/openapi.json").await.with(200).json();
    let mut checked = 0;
    for (template, operations) in description["paths"].as_object().unwrap() {
        let answer = &operations["get"]["responses"]["200"]["content"]["application/json"];
        if answer.is_null() {
            continue;
        }
        let number = if template.contains("executions/{id}") {
            execution.to_string()
        } else {
            id.to_string()
        };
        let path = template
            .replace("{id}", &number)
            .replace("pipelines/{name}", "pipelines/sizes")
            .replace("resources/{name}", "resources/scales")
            .replace("{key}", "bela")
            .replace("{subject}", &number);
        let told = served.get(&path).await;
        if told.status == 404 && template.contains("resources") {
            continue;
        }
        let told = told.with(200).json();
        let mut schema = answer["schema"].clone();
        schema["components"] = description["components"].clone();
        let errors: Vec<String> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(&told)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{path}: {errors:?}\n{told}");
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
    served.end().await;
}

/// Names and types in the table of `docs/operations/metrics.md`.
fn documented() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(document("operations/metrics.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `carril_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        (cells[1].trim_matches('`').to_owned(), cells[2].to_owned())
    })
    .collect()
}

/// A step that runs out of time, and once more.
const LATE: &str = r#"
name = "late"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by name limit 1"
[[stage]]
name = "wait"
  [[stage.step]]
  name = "long"
  command = ["sleep", "60"]
  timeout = "50ms"
  retry = { attempts = 2, backoff = "1ms..1ms", on = "any" }
"#;

/// Runs a pipeline whose only step is late, to its end.
async fn too_late(place: &Place, served: &Served) {
    std::fs::create_dir(place.path().join("late")).unwrap();
    std::fs::write(place.path().join("late/pipeline.toml"), LATE).unwrap();
    let launched = served
        .post("/api/v1/pipelines/late/launch", &json!({}))
        .await;
    let launched = launched.with(201).json();
    let id = launched["process"]["id"].as_i64().unwrap();
    served.settled(id, "completed_with_errors").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented_and_every_documented_one_is_there() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let id = served.launch("fail").await;
    served.settled(id, "completed_with_errors").await;
    let waits = served.launch_one("wait", "ada").await;
    served
        .process(waits, |told| told["process"]["waiting"] == 1)
        .await;
    too_late(&place, &served).await;
    let breaker = "/api/v1/resources/scales/breaker";
    served.post(breaker, &json!({"to": "open"})).await.with(202);
    let stranger = Request::new("GET", "/healthz").header("host", "evil.example");
    stranger.send(served.address).await.with(421);
    let scraped = served.get("/metrics").await.with(200);
    let told: BTreeMap<String, String> = scraped
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect();
    assert_eq!(told, documented());
    let body = &scraped.body;
    assert!(
        body.contains("carril_executions_settled_total{state=\"failed\"} 2"),
        "{body}"
    );
    assert!(
        body.contains("carril_processes{state=\"running\"} 1"),
        "{body}"
    );
    assert!(
        body.contains("carril_executions{cause=\"signal\"} 1"),
        "{body}"
    );
    assert!(
        body.contains("carril_breaker_open{resource=\"scales\"} 1"),
        "{body}"
    );
    assert!(
        body.contains("carril_timeouts_total{step=\"wait/long\"} 2")
            && body.contains("carril_retries_total{step=\"wait/long\"} 1"),
        "{body}"
    );
    assert!(body.ends_with("# EOF\n"), "{body}");
    asks_for_what_is_there(body);
    served.end().await;
}

/// Names of metrics in a text, each with the labels that are asked of it.
fn asked(text: &str) -> Vec<(String, Vec<String>)> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("carril_") {
        let rest = &text[at..];
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let inner = after
            .strip_prefix('{')
            .and_then(|after| after.split('}').next());
        let matchers = inner.unwrap_or_default().split(',');
        let labels = matchers.filter_map(|one| one.split(['=', '!', '~']).next());
        let labels = labels.map(|label| label.trim().to_owned());
        found.push((
            name.to_owned(),
            labels.filter(|label| !label.is_empty()).collect(),
        ));
    }
    found
}

/// The dashboard and the alert rules ask only for metrics and labels that a scrape has.
fn asks_for_what_is_there(scraped: &str) {
    let mut labels: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in scraped.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').expect("a value");
        let (name, inner) = series.split_once('{').unwrap_or((series, ""));
        let of = labels.entry(name).or_default();
        of.extend(inner.split(',').filter_map(|one| one.split('=').next()));
    }
    for file in ["alerts.yml", "dashboard.json", "alerts.test.yml"] {
        let text = std::fs::read_to_string(document("operations").join(file)).unwrap();
        let asked = asked(&text.replace("\\\"", "\""));
        assert!(asked.len() > 10, "{file}: {asked:?}");
        for (name, wanted) in asked {
            let known = labels.get(name.as_str());
            let known = known.unwrap_or_else(|| panic!("{file} asks for {name}"));
            for label in wanted {
                assert!(
                    known.contains(&label.as_str()),
                    "{file}: {name} has no {label}"
                );
            }
        }
    }
}

/// What Prometheus itself says of the rules, and of the cases that are kept beside them.
#[test]
fn prometheus_takes_the_alert_rules() {
    let folder = document("operations");
    for words in [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
    ] {
        let mut command = std::process::Command::new("promtool");
        let ended = command.args(words).current_dir(&folder).output();
        let ended = ended.expect("promtool is there: `cargo xtask test` installs it");
        let told = String::from_utf8_lossy(&ended.stdout);
        let wrong = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{words:?}: {told}{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_served_beside_the_api() {
    let place = Place::new();
    let mut options = place.options();
    options.page = Some(|path| {
        let media = "text/html; charset=utf-8";
        (path == "x/y.html").then_some(carril_server::PageFile {
            bytes: b"<p>hello",
            media,
        })
    });
    let house = carril_server::House::Engine(place.engine().await);
    let served = Served::begin(house, options).await;
    let told = served.get("/x/y.html").await.with(200);
    assert_eq!(told.body, "<p>hello");
    let policy = told.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    served.get("/x").await.refused(404, "CAR0908");
    let post = Request::new("POST", "/x/y.html").json(&json!({}));
    post.send(served.address).await.refused(404, "CAR0908");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_is_served_with_its_views_and_kept_by_browsers() {
    let place = Place::new();
    let mut options = place.options();
    options.page = Some(carril_server::console);
    let house = carril_server::House::Engine(place.engine().await);
    let served = Served::begin(house, options).await;
    let asked = |path: &str, accept: &str| {
        Request::new("GET", path)
            .header("accept", accept)
            .send(served.address)
    };
    let page = asked("/", "text/html,*/*;q=0.8").await.with(200);
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let view = asked("/processes/3?sort=slowest", "text/html")
        .await
        .with(200);
    assert_eq!(view.body, page.body);
    asked("/processes/3", "application/json")
        .await
        .refused(404, "CAR0908");
    asked("/api/v1/nothing", "text/html")
        .await
        .refused(404, "CAR0908");
    let script = page
        .body
        .split('"')
        .find(|word| word.starts_with("/console.js?v="));
    let script = asked(script.unwrap(), "*/*").await.with(200);
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert!(
        script
            .header("cache-control")
            .unwrap()
            .contains("immutable")
    );
    let old = asked("/console.js?v=0123456789abcdef", "*/*")
        .await
        .with(200);
    assert_eq!(old.header("cache-control"), Some("no-cache"));
    let known =
        Request::new("GET", "/console.js").header("if-none-match", script.header("etag").unwrap());
    let known = known.send(served.address).await.with(304);
    assert_eq!(known.body, "");
    served.end().await;
}
