//! Servers that are not what they are taken for, and ways to servers that are slow.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Says this to whoever connects, and hangs up; where it listens.
pub fn talker(says: Vec<u8>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(&says);
        }
    });
    port
}

/// Says this to whoever connects to a socket at `path`, and hangs up.
pub fn talker_at(path: &Path, says: Vec<u8>) {
    let listener = UnixListener::bind(path).expect("a socket");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(&says);
        }
    });
}

/// A way to the server at `port` on which it takes `delay` for each 64 octets it
/// says; the port where that begins.
pub fn slow(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let from = listener.local_addr().expect("an address").port();
    slow_from(listener, port, delay);
    from
}

/// The same to a name server, by UDP and by TCP.
pub fn slow_dns(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let from = listener.local_addr().expect("an address").port();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, from)).expect("the same port");
    slow_from(listener, port, delay);
    thread::spawn(move || {
        let mut question = [0; 4096];
        while let Ok((len, client)) = socket.recv_from(&mut question) {
            let (question, back) = (question[..len].to_vec(), socket.try_clone().expect("a handle"));
            thread::spawn(move || {
                let asked = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
                asked.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
                asked.send_to(&question, (Ipv4Addr::LOCALHOST, port)).expect("a question");
                let mut answer = [0; 4096];
                if let Ok(len) = asked.recv(&mut answer) {
                    thread::sleep(delay * u32::try_from(len.div_ceil(64)).expect("few pieces"));
                    let _ = back.send_to(&answer[..len], client);
                }
            });
        }
    });
    from
}

/// The same to the socket `to`, from a socket at `path`.
pub fn slow_at(path: &Path, to: &Path, delay: Duration) {
    let listener = UnixListener::bind(path).expect("a socket");
    let to = to.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = UnixStream::connect(&to).expect("the server");
            let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
            thread::spawn(move || carry(client, &server, Duration::ZERO, || server.shutdown(Shutdown::Both)));
            thread::spawn(move || carry(back.0, &back.1, delay, || back.1.shutdown(Shutdown::Both)));
        }
    });
}

fn slow_from(listener: TcpListener, port: u16, delay: Duration) {
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server");
            let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
            thread::spawn(move || carry(client, &server, Duration::ZERO, || server.shutdown(Shutdown::Both)));
            thread::spawn(move || carry(back.0, &back.1, delay, || back.1.shutdown(Shutdown::Both)));
        }
    });
}

/// Carries octets, and says the end when there are no more.
fn carry(mut from: impl Read, mut to: impl Write, delay: Duration, end: impl FnOnce() -> io::Result<()>) {
    let mut octets = [0; 64];
    while let Ok(count @ 1..) = from.read(&mut octets) {
        thread::sleep(delay);
        if to.write_all(&octets[..count]).is_err() {
            break;
        }
    }
    // Who has hung up needs no word of it.
    let _ = end();
}
