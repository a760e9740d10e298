//! Tells the service manager that started this program how it is: systemd's protocol, a line to the socket that it names.
//!
//! Nobody waits for an answer, and a manager that is not there is no mistake: most often nobody asked to be told.

use crate::context::Surroundings;

/// It is ready to be used.
pub(crate) const READY: &str = "READY=1";
/// It was told to end, and is ending.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// Tells it.
#[cfg(target_os = "linux")]
pub(crate) fn tell(surroundings: &Surroundings, what: &str) {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let Some(place) = (surroundings.lookup)("NOTIFY_SOCKET").filter(|place| !place.is_empty())
    else {
        return;
    };
    let told = || {
        let address = match place.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(&place)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to_addr(what.as_bytes(), &address)
    };
    if let Err(error) = told() {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Tells it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn tell(_: &Surroundings, _: &str) {}
