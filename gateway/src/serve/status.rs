//! What the operator sees of the process, by HTTP on a socket of its own:
//! `/metrics` for Prometheus, `/healthz` for whoever spreads the load, and a page
//! to look at.

mod health;
mod page;
mod socket;
mod survey;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Gate, metrics};
use crate::config::Address;
use crate::time;
use health::Health;
pub use health::ask;
use socket::Socket;
use survey::Survey;

/// What the operator sees of the process.
pub struct Monitor {
    gate: Arc<Gate>,
    counted: PrometheusHandle,
    /// What the process is confined to, in words.
    confined: &'static str,
    began: u64,
    survey: ArcSwap<Survey>,
    draining: AtomicBool,
    reloads: Mutex<Reloads>,
    open: Mutex<Option<Open>>,
    /// Wakes whoever looks after keyrings.
    look: Notify,
}

/// How reading the configuration went.
#[derive(Clone, Debug)]
struct Reloads {
    /// When the one in force was read, in seconds since 1970.
    taken: u64,
    /// When another one was refused after that, and why.
    refused: Option<(u64, String)>,
}

/// The socket that is served.
struct Open {
    address: Address,
    stop: CancellationToken,
}

/// Another socket, bound and not yet served; see [`Monitor::prepare`].
pub enum Change {
    /// The socket stays as it is, or there is none.
    None,
    /// There is to be none.
    Close,
    /// This is to be it.
    Open(Address, Socket),
}

impl Monitor {
    /// What is seen of a process that begins now, confined to what `confined` says.
    pub fn new(gate: Arc<Gate>, counted: PrometheusHandle, confined: &'static str) -> Arc<Self> {
        let began = time::now();
        metrics::configured(began);
        let monitor = Arc::new(Self {
            gate,
            counted,
            confined,
            began,
            survey: ArcSwap::from_pointee(Survey::default()),
            draining: AtomicBool::new(false),
            reloads: Mutex::new(Reloads { taken: began, refused: None }),
            open: Mutex::new(None),
            look: Notify::new(),
        });
        tokio::spawn(Arc::clone(&monitor).look_after());
        monitor
    }

    /// Binds the socket that a configuration asks for, unless it is open already.
    pub async fn prepare(&self, address: Option<&Address>) -> Result<Change, String> {
        let now = self.open.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|open| open.address.clone());
        match address {
            None if now.is_none() => Ok(Change::None),
            None => Ok(Change::Close),
            Some(address) if now.as_ref() == Some(address) => Ok(Change::None),
            Some(address) => {
                let socket = Socket::bind(address).await;
                let socket =
                    socket.map_err(|error| format!("the status socket {address} cannot be opened: {error}"))?;
                Ok(Change::Open(address.clone(), socket))
            }
        }
    }

    /// Serves what was prepared, in place of what was served before.
    pub fn take_over(self: &Arc<Self>, change: Change) {
        let next = match change {
            Change::None => return,
            Change::Close => None,
            Change::Open(address, socket) => {
                let stop = CancellationToken::new();
                tokio::spawn(socket.serve(self.routes(), stop.clone()));
                Some(Open { address, stop })
            }
        };
        let before = std::mem::replace(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner), next);
        if let Some(before) = before {
            before.stop.cancel();
        }
    }

    /// The configuration was read again; `refused` says why it was not taken over.
    pub fn reloaded(&self, refused: Option<&str>) {
        let now = time::now();
        metrics::reloaded(refused.is_none());
        let mut reloads = self.reloads.lock().unwrap_or_else(PoisonError::into_inner);
        match refused {
            Some(why) => reloads.refused = Some((now, why.to_owned())),
            None => {
                metrics::configured(now);
                *reloads = Reloads { taken: now, refused: None };
            }
        }
        self.look.notify_one();
    }

    /// The process takes no more connections: whoever spreads the load is to go
    /// elsewhere. The socket stays open, to say so.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether mail can be served.
    pub fn health(&self) -> Health {
        match self.draining.load(Ordering::Relaxed) {
            true => Health::Draining,
            false => self.survey.load().health(),
        }
    }

    fn routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(page))
            .route("/style.css", get(style))
            .route("/metrics", get(counted))
            .route("/healthz", get(healthy))
            .with_state(Arc::clone(self))
    }

    /// Looks after keyrings and certificates again and again.
    async fn look_after(self: Arc<Self>) {
        loop {
            let site = self.gate.site();
            // Keyrings are files, and may be on a disk that hangs.
            if let Ok(survey) = tokio::task::spawn_blocking(move || Survey::of(&site, time::now())).await {
                self.survey.store(Arc::new(survey));
            }
            self.counted.run_upkeep();
            let _ = timeout(BETWEEN_SURVEYS, self.look.notified()).await; // a time-out is time to look again
        }
    }
}

const BETWEEN_SURVEYS: Duration = Duration::from_secs(30);

async fn page(State(monitor): State<Arc<Monitor>>) -> impl IntoResponse {
    (PROTECTION, Html(page::render(&monitor).into_string()))
}

async fn style() -> impl IntoResponse {
    (PROTECTION, [(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("status/style.css"))
}

async fn counted(State(monitor): State<Arc<Monitor>>) -> impl IntoResponse {
    metrics::held(monitor.gate.held());
    let of_tenants = metrics::of_tenants(|| {
        monitor.survey.load().count();
        monitor.gate.site().tenants.iter().for_each(|tenant| tenant.count());
    });
    let text = monitor.counted.render() + &of_tenants;
    (PROTECTION, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

async fn healthy(State(monitor): State<Arc<Monitor>>) -> impl IntoResponse {
    let health = monitor.health();
    let code = if health.serves() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, PROTECTION, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{health}\n"))
}

/// No script, nothing from elsewhere, no frame; and what is seen is of now.
const PROTECTION: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];
