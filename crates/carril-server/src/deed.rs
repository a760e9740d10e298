//! One route's door: who asks, whether they may, how fast, what the body is; and, for all that changes something, the log of who
//! did what. What cannot be written down is not done.

use crate::access::{self, Caller};
use crate::app::App;
use crate::listener::Peer;
use crate::options::{BODY_BYTES_MAX, BODY_TIMEOUT};
use crate::parameters::Parameters;
use crate::problem::{CodeOf, Problem};
use crate::routes::{Need, Route, Verb};
use crate::told;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use carril::model::contract::{NewDeed, Role};

/// Most characters of a path that are written down.
const PATH_MAX: usize = 500;

/// Passes a request on to its route.
pub(crate) async fn pass(
    State((app, route)): State<(App, &'static Route)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let began = app.now();
    let asked = request.headers().clone();
    let response = match checked(&app, route, request, next).await {
        Ok(response) if route.verb == Verb::Get => told::unless_known(&asked, response),
        Ok(response) => response,
        Err(problem) => {
            if matches!(problem.status.as_u16(), 401 | 403 | 429) {
                app.metrics.denied(&problem.code);
            }
            problem.into_response()
        }
    };
    let took = app.now().micros_since(began);
    app.metrics.request(route, response.status().as_u16(), took);
    response
}

async fn checked(
    app: &App,
    route: &'static Route,
    mut request: Request<Body>,
    next: Next,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let from = peer.map_or_else(|| "?".to_owned(), |Peer(peer)| peer.ip().to_string());
    let names: Vec<&str> = route.query.iter().map(|one| one.name).collect();
    let parameters = Parameters::of(request.uri(), &names);
    let Need::Role(needed) = route.need else {
        app.guard.pass(&from, app.now().0)?;
        request.extensions_mut().insert(parameters?);
        return Ok(next.run(request).await);
    };
    let caller = match access::caller(app, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => {
            // Who guesses is as slow as anybody else.
            app.guard.pass(&from, app.now().0)?;
            return Err(problem);
        }
    };
    let own = caller.hash.as_deref().unwrap_or(&from);
    app.guard.pass(own, app.now().0)?;
    if caller.role < needed {
        return Err(too_little(&caller, needed));
    }
    request.extensions_mut().insert(parameters?);
    if route.verb == Verb::Get {
        request.extensions_mut().insert(caller);
        return Ok(next.run(request).await);
    }
    app.guard.check_site(request.headers())?;
    let request = whole(request).await?;
    written(app, &caller, from, request, next).await
}

fn too_little(caller: &Caller, needed: Role) -> Problem {
    let Caller { name, role, .. } = caller;
    let detail = format!("this wants the role {needed}, and `{name}` is {role}");
    Problem::new(StatusCode::FORBIDDEN, "CAR0903", detail)
}

/// The request with all of its body, which has bounds in size and time and is JSON.
async fn whole(request: Request<Body>) -> Result<Request<Body>, Problem> {
    let (parts, body) = request.into_parts();
    let too_large = || {
        let detail = format!("the body has more than {BODY_BYTES_MAX} bytes, or broke off");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "CAR0906", detail)
    };
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let reading = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX));
    let bytes = reading.await.map_err(|_| {
        let seconds = BODY_TIMEOUT.as_secs();
        let detail = format!("the body was not there within {seconds} s");
        Problem::new(StatusCode::REQUEST_TIMEOUT, "CAR0906", detail)
    })?;
    let bytes = bytes.map_err(|_| too_large())?;
    if !bytes.is_empty() && !is_json(&parts.headers) {
        let detail = "a body is JSON here";
        return Err(
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "CAR0907", detail)
                .help("send `Content-Type: application/json`"),
        );
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    let media = media.and_then(|media| media.to_str().ok());
    media.is_some_and(|media| {
        let kind = media.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    })
}

/// Runs what changes something between two lines of the log.
async fn written(
    app: &App,
    caller: &Caller,
    from: String,
    mut request: Request<Body>,
    next: Next,
) -> Result<Response, Problem> {
    let target = request.uri().path_and_query();
    let target: String = target
        .map_or("/", |target| target.as_str())
        .chars()
        .take(PATH_MAX)
        .collect();
    let deed = NewDeed {
        at: app.now(),
        who: caller.name.clone(),
        role: caller.role,
        what: format!("{} {target}", request.method()),
        from,
    };
    let access = app.house.reader().access();
    let number = access.begin_deed(&deed).await?;
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    let code = response.extensions().get::<CodeOf>();
    let code = code.map(|code| code.0.as_str());
    let status = response.status().as_u16();
    if let Err(fault) = access.end_deed(number, status, code).await {
        // It was done, and that it was begun is written down.
        tracing::warn!(%fault, deed = number, "how a request ended could not be written down");
    }
    Ok(response)
}
