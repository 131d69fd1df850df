//! A milter that does nothing: it is shown all of each message, as the gateway is,
//! and lets it pass.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// Starts it, until the process ends. Its port.
pub fn start() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks shows in the load.
            thread::spawn(move || serve(&stream));
        }
    });
    port
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut input, mut output) = (BufReader::new(stream), stream);
    let mut packet = Vec::new();
    loop {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        packet.resize(u32::from_be_bytes(length) as usize, 0);
        input.read_exact(&mut packet)?;
        match packet.first() {
            Some(b'O') => output.write_all(&options())?,
            Some(b'C' | b'H' | b'T' | b'L' | b'N' | b'M' | b'R' | b'B' | b'E') => output.write_all(b"\0\0\0\x01c")?,
            Some(b'Q') => return Ok(()),
            _ => {}
        }
    }
}

/// The same steps as the gateway asks for, and no actions.
fn options() -> Vec<u8> {
    const NO_UNKNOWN: u32 = 0x100;
    let numbers: Vec<u8> = [6, 0, NO_UNKNOWN].iter().flat_map(|number: &u32| number.to_be_bytes()).collect();
    [b"\0\0\0\x0dO".as_slice(), &numbers].concat()
}
