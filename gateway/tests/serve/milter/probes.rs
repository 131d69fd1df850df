//! Ciphertexts that are sent to learn from the answers.

use super::Milter;
use super::mta::{Answer, Mta};
use crate::support::{TEXT, contains, message};

/// Without a signature around it: whether it can be opened the key tells.
const BARE: &str = "encrypt = \"required\"\norder = \"sign-then-encrypt\"";

/// Carol's offer as it leaves, and as a probe: an octet of the ciphertext altered.
fn sealed(milter: &Milter) -> (Vec<u8>, Vec<u8>) {
    let offer = message("carol@lan.example", "alice@peer.example", TEXT);
    let mut mta = milter.outbound();
    mta.envelope("carol@lan.example", None, &["alice@peer.example"]);
    let sealed = mta.message(&offer).applied(&offer);
    let mut probe = sealed.clone();
    let at = probe.len() - 200;
    probe[at] = if probe[at] == b'A' { b'B' } else { b'A' };
    (sealed, probe)
}

/// A message to alice, from a client at this address.
fn sent(milter: &Milter, address: &str, message: &[u8]) -> Answer {
    sent_over(&mut Mta::connect(milter.inbound, address), message)
}

fn sent_over(mta: &mut Mta, message: &[u8]) -> Answer {
    mta.envelope("x@else.example", None, &["alice@peer.example"]);
    mta.message(message).answer
}

/// A hundred ciphertexts from one client that cannot be opened, and alice's key is not
/// used for it any more, for a while; its other mail goes on, and so does all mail of
/// others. When five hundred have come from anywhere, her key is kept from whoever has
/// not sent before what it opens.
#[test]
fn t16_failure_rate() {
    let milter = Milter::with(BARE);
    let (sealed, probe) = sealed(&milter);
    let (probing, correspondent, stranger) = ("192.0.2.66", "192.0.2.7", "192.0.2.8");
    let mut mta = Mta::connect(milter.inbound, probing);
    for _ in 0..100 {
        sent_over(&mut mta, &probe).begins("550 5.7.7 ");
    }
    for message in [&probe, &sealed] {
        sent_over(&mut mta, message).begins("450 4.7.0 ");
    }
    milter.logs(&["client=\"192.0.2.66\"", "reason=\"throttled\"", "private_key_operations=0"]);
    let clear = message("x@else.example", "alice@peer.example", TEXT);
    assert_eq!(sent_over(&mut mta, &clear), Answer::Continue);
    assert_eq!(sent(&milter, correspondent, &sealed), Answer::Continue);

    for number in 0..400 {
        sent(&milter, &format!("10.9.{}.{}", number / 200, number % 200), &probe).begins("550 5.7.7 ");
    }
    sent(&milter, stranger, &sealed).begins("450 4.7.0 ");
    assert_eq!(sent(&milter, correspondent, &sealed), Answer::Continue);
    let log = milter.gateway.log();
    let used = log
        .lines()
        .filter(|line| line.contains("sender=\"x@else.example\"") && contains(line.as_bytes(), "operations=1"));
    assert_eq!(used.count(), 502, "five hundred probes, and two letters of the correspondent");
}
