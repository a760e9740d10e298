//! `[server]`: where `carril serve` listens, and who comes in. Only read here; the server decides what it means.

use super::{ProcesosSettings, Reader, keys};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use toml::Spanned;
use toml::de::DeValue;

const HELP: &str = "write `[server]`, then lines such as `listen = \"127.0.0.1:7411\"`";

/// Where a server listens, and who comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address and port, `127.0.0.1:7411` by default.
    pub listen: SocketAddr,
    /// Whether everybody needs a token, also where none was made.
    pub tokens_always: bool,
    /// Names under which it may be called, besides `localhost` and addresses.
    pub hosts: Vec<String>,
    /// Origins of pages elsewhere that may call it.
    pub origins: Vec<String>,
    /// The routes of the old fund system.
    pub procesos: ProcesosSettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7411),
            tokens_always: false,
            hosts: Vec::new(),
            origins: Vec::new(),
            procesos: ProcesosSettings::default(),
        }
    }
}

impl Reader<'_> {
    pub(super) fn server(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = value.get_ref() else {
            return self.report("CAR0122", value.span(), "`server` is a table", HELP);
        };
        let mut has_procesos = false;
        for (key, value) in table {
            if !self.knows(&keys::SERVER, "`[server]`", key, HELP) {
                continue;
            }
            match key.get_ref().as_ref() {
                "listen" => self.listen(value),
                "tokens" => self.tokens(value),
                "hosts" => self.settings.server.hosts = self.texts(value, "hosts"),
                name @ ("procesos_v2" | "procesos_v3") => self.procesos_switch(name, value),
                "procesos" => {
                    has_procesos = true;
                    self.procesos(value);
                }
                _ => self.settings.server.origins = self.texts(value, "origins"),
            }
        }
        self.check_procesos(value, has_procesos);
    }

    fn listen(&mut self, value: &Spanned<DeValue<'_>>) {
        let address = match value.get_ref() {
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        match address {
            Some(address) => self.settings.server.listen = address,
            None => {
                let message = "`listen` is an address with a port, as in `127.0.0.1:7411`";
                self.report("CAR0122", value.span(), message, HELP);
            }
        }
    }

    fn tokens(&mut self, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::String(text) if text == "always" => self.settings.server.tokens_always = true,
            DeValue::String(text) if text == "auto" => self.settings.server.tokens_always = false,
            _ => self.report(
                "CAR0122",
                value.span(),
                "`tokens` is \"auto\" or \"always\"",
                HELP,
            ),
        }
    }

    fn texts(&mut self, value: &Spanned<DeValue<'_>>, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        let DeValue::Array(entries) = value.get_ref() else {
            let message = format!("`{name}` is a list of texts");
            self.report("CAR0122", value.span(), message, HELP);
            return found;
        };
        for entry in entries {
            match entry.get_ref() {
                DeValue::String(text) => found.push(text.to_string()),
                _ => {
                    let message = format!("`{name}` is a list of texts");
                    self.report("CAR0122", entry.span(), message, HELP);
                }
            }
        }
        found
    }
}
