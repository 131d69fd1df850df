//! Servers that are not what they are taken for, and ways to servers that are slow.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
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

/// A way to the server at `port` on which it takes `delay` for each 64 octets it
/// says; the port where that begins.
pub fn slow(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let from = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server");
            let back = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
            thread::spawn(move || carry(client, server, Duration::ZERO));
            thread::spawn(move || carry(back.0, back.1, delay));
        }
    });
    from
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut octets = [0; 64];
    while let Ok(count @ 1..) = from.read(&mut octets) {
        thread::sleep(delay);
        if to.write_all(&octets[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
