//! The same message gives the same verdict, octet by octet, natively and in every
//! build of the component.

use std::sync::LazyLock;

use host::{Assumption, Content, Demand, Direction, Order, Outcome, SignatureForm, Verdict};
use host_test::script::{Script, envelope};
use host_test::variants::{Variants, say};
use host_test::{compare, sizes};

static VARIANTS: LazyLock<Variants> = LazyLock::new(|| Variants::all().expect("the components run here"));

const MESSAGE: &str = "From: Alice <alice@peer.example>\r\nTo: carol@lan.example\r\n\
    Subject: =?utf-8?b?5pel5pys6Kqe?=\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n日本語\r\n\
    --b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n--b--\r\n";

#[track_caller]
fn everywhere(script: &Script, envelope: &host::Envelope, message: &[u8]) -> Outcome {
    let mut log = |line: &str| say(line);
    compare::everywhere(script, &VARIANTS, envelope, message, &mut log).unwrap_or_else(|e| panic!("{e}"))
}

#[track_caller]
fn rewritten(outcome: &Outcome) -> Vec<Vec<u8>> {
    let Verdict::Deliver(deliveries) = &outcome.verdict else { panic!("{:?}", compare::name(&outcome.verdict)) };
    let octets = deliveries.iter().map(|delivery| match &delivery.content {
        Content::Rewritten(octets) => octets.clone(),
        Content::Unchanged => panic!("unchanged"),
    });
    octets.collect()
}

/// Sends under a policy, receives what was sent, and looks at what arrives.
#[track_caller]
fn out_and_in(script: &Script, from: &str, to: &[&str]) {
    let message = MESSAGE.replace("alice", from);
    let sent = everywhere(script, &envelope(Direction::Outbound, from, to), message.as_bytes());
    for on_the_wire in rewritten(&sent) {
        let received = everywhere(script, &envelope(Direction::Inbound, from, to), &on_the_wire);
        let arrived = rewritten(&received).remove(0);
        assert!(arrived.windows(9).any(|octets| octets == b"smime=pas"), "{}", String::from_utf8_lossy(&arrived));
    }
}

#[test]
fn every_order_cipher_and_form() {
    for order in [Order::EncryptThenSign, Order::SignThenEncrypt, Order::TripleWrap] {
        for unknown_peer in [Assumption::Compatible, Assumption::Modern] {
            for form in [SignatureForm::Detached, SignatureForm::Opaque] {
                let mut script = Script::with_keys_of(&["alice", "carol"]);
                let outbound = &mut script.policies.outbound;
                (outbound.order, outbound.unknown_peer, outbound.form) = (order, unknown_peer, form);
                out_and_in(&script, "alice", &["carol"]);
            }
        }
    }
}

#[test]
fn a_pss_key_salts_from_the_same_randomness() {
    let mut script = Script::with_keys_of(&["erin", "carol"]);
    script.policies.outbound.order = Order::TripleWrap;
    out_and_in(&script, "erin", &["carol"]);
}

#[test]
fn a_key_that_is_not_handed_out_is_used_through_its_handle() {
    // By the components with `key-export`, too.
    let script = Script { exportable: false, ..Script::with_keys_of(&["alice", "carol"]) };
    out_and_in(&script, "alice", &["carol"]);
}

#[test]
fn several_recipients_and_a_copy_of_ones_own() {
    out_and_in(&Script::with_keys_of(&["alice", "carol", "dave"]), "alice", &["carol"]);
    let script = Script::with_keys_of(&["alice", "carol", "dave"]);
    let sent = everywhere(&script, &envelope(Direction::Outbound, "alice", &["carol", "dave"]), MESSAGE.as_bytes());
    // dave is not named in To: nobody is to learn that he gets a copy.
    assert_eq!(rewritten(&sent).len(), 2);
}

#[test]
fn signed_only_and_clear_mail() {
    let mut script = Script::with_keys_of(&["alice", "carol"]);
    script.policies.outbound.encrypt = Demand::Never;
    out_and_in(&script, "alice", &["carol"]);
    let plain = everywhere(&script, &envelope(Direction::Inbound, "alice", &["carol"]), MESSAGE.as_bytes());
    assert!(matches!(&plain.verdict, Verdict::Deliver(all) if all[0].content == Content::Unchanged));
}

#[test]
fn one_octet_flipped_is_refused_alike_and_no_key_is_used() {
    let mut script = Script::with_keys_of(&["alice", "carol"]);
    // Otherwise a flip in the name of the outer signature's algorithm makes one that
    // cannot be checked, and the author's signature inside passes all the same.
    script.policies.inbound.verify = Demand::Required;
    let sent = everywhere(&script, &envelope(Direction::Outbound, "alice", &["carol"]), MESSAGE.as_bytes());
    let on_the_wire = rewritten(&sent).remove(0);
    let back = envelope(Direction::Inbound, "alice", &["carol"]);
    let arrived = rewritten(&everywhere(&script, &back, &on_the_wire)).remove(0);
    let mut refused = 0;
    for part in 1..20 {
        let mut altered = on_the_wire.clone();
        let at = altered.len() * part / 20;
        // A digit of base64, or a letter, becomes another.
        altered[at] = if altered[at] == b'B' { b'C' } else { b'B' };
        let received = everywhere(&script, &back, &altered);
        if let Verdict::Reject(reply) = &received.verdict {
            assert_eq!((reply.code / 100, received.private_key_operations), (5, 0), "octet {at}");
            refused += 1;
        } else {
            // The octet was in what no signature covers, such as the copy of a
            // certificate that is known anyway: nothing else arrives for it.
            assert_eq!(rewritten(&received), [arrived.as_slice()], "octet {at}");
        }
    }
    assert!(refused >= 15, "{refused} of 19");
}

#[test]
fn an_altered_authenticated_ciphertext_is_refused_alike() {
    let mut script = Script::with_keys_of(&["alice", "carol"]);
    let outbound = &mut script.policies.outbound;
    (outbound.sign, outbound.unknown_peer) = (Demand::Never, Assumption::Modern);
    let sent = everywhere(&script, &envelope(Direction::Outbound, "alice", &["carol"]), MESSAGE.as_bytes());
    let back = envelope(Direction::Inbound, "alice", &["carol"]);
    let on_the_wire = rewritten(&sent).remove(0);
    assert_eq!(rewritten(&everywhere(&script, &back, &on_the_wire)).len(), 1);
    // Within the ciphertext, which is most of the second half.
    let mut altered = on_the_wire.clone();
    let at = altered.len() * 4 / 5;
    altered[at] = if altered[at] == b'B' { b'C' } else { b'B' };
    let received = everywhere(&script, &back, &altered);
    assert!(matches!(&received.verdict, Verdict::Reject(reply) if reply.code == 550), "{:?}", received.verdict);
    assert_eq!(received.private_key_operations, 1);
}

#[test]
fn a_ciphertext_sent_to_a_colleague_stays_closed() {
    let script = Script::with_keys_of(&["alice", "carol", "dave"]);
    let sent = everywhere(&script, &envelope(Direction::Outbound, "alice", &["carol"]), MESSAGE.as_bytes());
    let on_the_wire = rewritten(&sent).remove(0);
    let received = everywhere(&script, &envelope(Direction::Inbound, "alice", &["dave"]), &on_the_wire);
    for delivery in match &received.verdict {
        Verdict::Deliver(deliveries) => deliveries.as_slice(),
        _ => &[],
    } {
        if let Content::Rewritten(octets) = &delivery.content {
            assert!(!octets.windows(5).any(|octets| octets == b"Hello"));
        }
    }
    assert_eq!(received.private_key_operations, 0);
}

#[test]
fn damaged_keys_and_malformed_mail_are_refused_alike() {
    let script = Script::with_keys_of(&["alice", "carol"]);
    for message in [
        "",
        "no header",
        "From: a@b\n\nbare line ends\n",
        "From: alice@peer.example\r\nFrom: mallory@evil.example\r\n\r\n",
        "From: alice@peer.example\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHAqCA\r\n",
        "From: alice@peer.example\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; \
         boundary=x\r\n\r\n--x\r\n\r\na\r\n--x--\r\n",
    ] {
        for direction in [Direction::Inbound, Direction::Outbound] {
            everywhere(&script, &envelope(direction, "alice", &["carol"]), message.as_bytes());
        }
    }
    let mut script = Script::with_keys_of(&["alice", "carol"]);
    script.certificates[2].1.certificate.truncate(100);
    script.keys[0].1.pkcs8.truncate(100);
    everywhere(&script, &envelope(Direction::Outbound, "alice", &["carol"]), MESSAGE.as_bytes());
}

#[test]
fn a_message_of_a_megabyte_goes_out_and_comes_back() {
    let (script, message, (out, back)) = (sizes::script(), sizes::message(1 << 20), sizes::envelopes());
    let sent = everywhere(&script, &out, &message);
    everywhere(&script, &back, &rewritten(&sent)[0]);
}
