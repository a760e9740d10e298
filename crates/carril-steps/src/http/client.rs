//! The way out: one client per place, and the guard that every connection passes.
//!
//! A name is resolved once per connection, all its addresses are checked, and the connection goes to one of those that
//! were checked: nobody can answer the check with one address and the connection with another. Hosts that are addresses
//! themselves are never resolved, so they are checked before the call. Nothing of the environment has a say: no proxy, no
//! redirect that was not looked at.

use super::allow::AllowList;
use super::failure;
use carril_model::contract::{Pending, StepError};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Most places whose connections are kept; a pipeline calls a handful.
const PLACES_MAX: usize = 64;
/// How long a connection without a call is kept: for the next lane, and less than the five seconds after which some
/// servers end it.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// Finds the addresses of a host.
pub trait Names: Send + Sync {
    /// All addresses of `host`; at least one, or an error.
    fn resolve(&self, host: String) -> Pending<'static, io::Result<Vec<IpAddr>>>;
}

/// As the system finds them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SystemNames;

impl Names for SystemNames {
    fn resolve(&self, host: String) -> Pending<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Scheme, host and port.
type Place = (String, String, u16);

/// The clients of a runner, by place, made when they are first needed.
pub(super) struct Clients {
    allow: Arc<AllowList>,
    names: Arc<dyn Names>,
    tls: OnceLock<Result<ClientConfig, String>>,
    places: Mutex<BTreeMap<Place, Client>>,
}

impl Clients {
    pub(super) fn new(allow: AllowList, names: Arc<dyn Names>) -> Self {
        Self {
            allow: Arc::new(allow),
            names,
            tls: OnceLock::new(),
            places: Mutex::default(),
        }
    }

    /// The client for the place that a URL leads to.
    ///
    /// # Errors
    /// `CAR0533` for an address that may not be called, `CAR0534` where no client can be made.
    pub(super) fn of(&self, url: &Url) -> Result<Client, Box<StepError>> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(failure::unsendable("its URL names no host"));
        };
        // The parser has made an address of whatever form an address can be written in.
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        if let Ok(address) = literal {
            self.allow
                .check(host, port, &[address])
                .map_err(|address| failure::forbidden(&Forbidden::new(host, port, address)))?;
        }
        let place = (url.scheme().to_owned(), host.to_owned(), port);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = places.get(&place) {
            return Ok(client.clone());
        }
        let client = self.make(url.scheme() == "https", port)?;
        if places.len() >= PLACES_MAX {
            places.clear();
        }
        places.insert(place, client.clone());
        Ok(client)
    }

    fn make(&self, secure: bool, port: u16) -> Result<Client, Box<StepError>> {
        let guard = Guard {
            allow: Arc::clone(&self.allow),
            names: Arc::clone(&self.names),
            port,
        };
        let tls = if secure {
            // Reading the machine's certificates takes a while; only who needs them waits, once.
            let tls = self.tls.get_or_init(|| configuration(true)).clone();
            tls.map_err(|why| {
                failure::unsendable(&format!(
                    "the certificates that this machine trusts cannot be read: {why}"
                ))
            })?
        } else {
            configuration(false).map_err(|why| failure::unsendable(&why))?
        };
        Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(guard))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .pool_idle_timeout(IDLE_MAX)
            .user_agent(concat!("carril/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                failure::unsendable(&format!("there is no client: {}", failure::chain(&error)))
            })
    }
}

/// Which servers are believed: those with the machine's certificates, or none.
fn configuration(machine: bool) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if machine {
        builder
            .with_platform_verifier()
            .map_err(|error| error.to_string())?
    } else {
        builder.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(builder.with_no_client_auth())
}

/// Resolves names for the connections to one port, and lets only those addresses through that may be called.
struct Guard {
    allow: Arc<AllowList>,
    names: Arc<dyn Names>,
    port: u16,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow, port) = (Arc::clone(&self.allow), self.port);
        let host = name.as_str().to_owned();
        let resolving = self.names.resolve(host.clone());
        Box::pin(async move {
            let addresses = resolving.await?;
            allow
                .check(&host, port, &addresses)
                .map_err(|address| Forbidden::new(&host, port, address))?;
            // Port 0 stands for the one of the URL.
            let checked = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(checked) as Addrs)
        })
    }
}

/// An address that may not be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forbidden {
    host: String,
    port: u16,
    address: IpAddr,
}

impl Forbidden {
    fn new(host: &str, port: u16, address: IpAddr) -> Self {
        Self {
            host: host.to_owned(),
            port,
            address,
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            port,
            address,
        } = self;
        let leads = if host.trim_matches(['[', ']']) == address.to_string() {
            format!("`{address}` is no public address")
        } else {
            format!("`{host}` leads to {address}, which is no public address")
        };
        write!(
            out,
            "{leads}; if it may be called, say so in carril.toml: `[http]`, `allow = [\"{}\"]`",
            SocketAddr::new(*address, *port)
        )
    }
}

impl std::error::Error for Forbidden {}
