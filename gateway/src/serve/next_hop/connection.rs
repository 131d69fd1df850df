//! One connection to a next hop.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::{TcpStream, UnixStream};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::super::smtp::lines::{AnyStream, Lines};
use super::answer::Answer;
use super::extensions::Extensions;
use super::fault::Fault;
use super::tls::NextHopTls;
use crate::config::{NextHopAddress, NextHopProtocol};

/// How a next hop is connected to.
pub struct Dial {
    /// Where it is.
    pub address: NextHopAddress,
    /// Whether under TLS.
    pub tls: NextHopTls,
    /// What we call ourselves.
    pub hostname: String,
    /// The longest that any step may take.
    pub patience: Duration,
}

/// Steps of the dialogue, each with a time of its own (RFC 5321, section 4.5.3.2).
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// To connect, by TCP and TLS.
    Connect,
    /// The greeting, EHLO, MAIL, RCPT and the rest.
    Command,
    /// From DATA to 354.
    Data,
    /// To send some of the message.
    Block,
    /// From the final dot to the answer.
    End,
}

/// A connection that has been greeted and has said EHLO or LHLO.
pub struct Connection {
    lines: Lines,
    /// What the next hop offers.
    pub extensions: Extensions,
    /// What it speaks.
    pub protocol: NextHopProtocol,
    /// When it was opened.
    pub opened: Instant,
    /// Messages that went over it.
    pub messages: u32,
    patience: Duration,
}

impl Dial {
    /// Opens a connection.
    pub async fn open(&self) -> Result<Connection, Fault> {
        let stream = self.within(Step::Connect, async { self.connect().await.map_err(|_| Fault::Away) });
        let stream = stream.await.map_err(|_| Fault::Away)?;
        let mut connection = Connection {
            lines: Lines::new(stream),
            extensions: Extensions::default(),
            protocol: self.address.protocol(),
            opened: Instant::now(),
            messages: 0,
            patience: self.patience,
        };
        // A greeting of 4xx or 5xx is of the next hop's state, not of the message.
        match connection.answer(Step::Command).await {
            Ok(greeting) if greeting.code == 220 => {}
            Ok(_) => return Err(Fault::Away),
            Err(fault) => return Err(fault),
        }
        connection.hello(&self.hostname).await?;
        if self.tls.is_wanted(connection.extensions.starttls)? {
            connection = self.protect(connection).await?;
            connection.hello(&self.hostname).await?;
        }
        Ok(connection)
    }

    async fn connect(&self) -> std::io::Result<AnyStream> {
        match &self.address {
            NextHopAddress::Tcp { host, port, .. } => {
                let stream = match host.parse::<IpAddr>() {
                    Ok(address) => TcpStream::connect(SocketAddr::new(address, *port)).await?,
                    Err(_) => TcpStream::connect((host.as_str(), *port)).await?,
                };
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            NextHopAddress::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        }
    }

    /// STARTTLS. A next hop that offers it and cannot do it is not spoken to in
    /// clear instead: that would be what an attacker wants.
    async fn protect(&self, mut connection: Connection) -> Result<Connection, Fault> {
        if connection.ask("STARTTLS", Step::Command).await?.code != 220 {
            return Err(Fault::Unprotected);
        }
        let NextHopAddress::Tcp { host, .. } = &self.address else { return Err(Fault::Unprotected) };
        let stream = connection.lines.into_stream();
        let shaken = self.within(Step::Connect, async {
            self.tls.shake_hands(host, stream).await.map_err(|error| {
                tracing::warn!(next_hop = %self.address, %error, "no TLS with the next hop");
                Fault::Unprotected
            })
        });
        connection.lines = Lines::new(shaken.await?);
        Ok(connection)
    }

    async fn within<T>(&self, step: Step, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        timeout(step.time().min(self.patience), work).await.unwrap_or(Err(Fault::Slow))
    }
}

impl Connection {
    async fn hello(&mut self, hostname: &str) -> Result<(), Fault> {
        let verb = match self.protocol {
            NextHopProtocol::Smtp => "EHLO",
            NextHopProtocol::Lmtp => "LHLO",
        };
        let answer = self.ask(&format!("{verb} {hostname}"), Step::Command).await?;
        if answer.is_positive() {
            self.extensions = Extensions::read(&answer.text);
            return Ok(());
        }
        // A server of before 1995; LMTP has no such thing.
        if self.protocol == NextHopProtocol::Smtp && matches!(answer.code, 500..=504) {
            let answer = self.ask(&format!("HELO {hostname}"), Step::Command).await?;
            if answer.is_positive() {
                return Ok(());
            }
        }
        Err(Fault::Away)
    }

    /// Says a command and reads the answer.
    pub async fn ask(&mut self, command: &str, step: Step) -> Result<Answer, Fault> {
        self.say(format!("{command}\r\n").as_bytes()).await?;
        self.answer(step).await
    }

    /// Says `commands` and reads an answer to each: all at once where the next hop
    /// allows it, in bundles that fit into the buffers of both sides.
    pub async fn ask_all(&mut self, commands: &[String]) -> Result<Vec<Answer>, Fault> {
        let bundle = if self.extensions.pipelining { BUNDLE } else { 1 };
        let mut answers = Vec::with_capacity(commands.len());
        for commands in commands.chunks(bundle) {
            let mut octets = commands.join("\r\n");
            octets.push_str("\r\n");
            self.say(octets.as_bytes()).await?;
            for _ in commands {
                answers.push(self.answer(Step::Command).await?);
            }
        }
        Ok(answers)
    }

    /// Reads an answer.
    pub async fn answer(&mut self, step: Step) -> Result<Answer, Fault> {
        let time = step.time().min(self.patience);
        timeout(time, Answer::read(&mut self.lines)).await.unwrap_or(Err(Fault::Slow))
    }

    /// Sends `octets`, and all that was written before.
    pub async fn say(&mut self, octets: &[u8]) -> Result<(), Fault> {
        self.write(octets).await?;
        let flushed = timeout(self.block_time(), self.lines.flush()).await;
        self.sent(flushed).await
    }

    /// Writes `octets`, a block at a time; some may wait until [`Self::say`].
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), Fault> {
        for block in octets.chunks(BLOCK) {
            let written = timeout(self.block_time(), self.lines.write(block)).await;
            self.sent(written).await?;
        }
        Ok(())
    }

    /// A next hop that has closed the connection may have said why.
    async fn sent(&mut self, result: Result<std::io::Result<()>, Elapsed>) -> Result<(), Fault> {
        match result {
            Ok(Ok(())) => Ok(()),
            Err(_) => Err(Fault::Slow),
            Ok(Err(_)) => match timeout(LAST_WORDS, Answer::read(&mut self.lines)).await {
                // After these words the connection is of no use, whatever they are.
                Ok(Ok(answer)) => Err(match answer.accepted() {
                    Err(Fault::Refused(reply)) => Fault::Closing(reply),
                    Err(fault) => fault,
                    Ok(()) => Fault::Lost,
                }),
                _ => Err(Fault::Lost),
            },
        }
    }

    fn block_time(&self) -> Duration {
        Step::Block.time().min(self.patience)
    }

    /// Whether nothing has come that was not asked for.
    pub fn is_quiet(&self) -> bool {
        self.lines.waiting().is_empty()
    }

    /// Takes leave, without waiting for an answer.
    pub async fn quit(mut self) {
        let farewell = async {
            self.lines.write(b"QUIT\r\n").await?;
            self.lines.close().await
        };
        // It is over either way.
        let _ = timeout(LAST_WORDS, farewell).await;
    }
}

impl Step {
    fn time(self) -> Duration {
        Duration::from_secs(match self {
            Self::Connect => 30,
            Self::Command => 5 * 60,
            Self::Data => 2 * 60,
            Self::Block => 3 * 60,
            Self::End => 10 * 60,
        })
    }
}

/// Commands sent at once: their answers fit into the buffers of a socket.
const BUNDLE: usize = 50;

/// Octets written at a time.
const BLOCK: usize = 64 * 1024;

const LAST_WORDS: Duration = Duration::from_secs(1);
