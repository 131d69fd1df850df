//! An authority, from its first certificate to the last revocation list. What
//! others make of them is tested with OpenSSL, in `gateway/tests/command_line`.

use std::path::Path;
use std::sync::Arc;

use smime::budget::Budget;
use smime::x509::{Certificate, path};
use tempfile::TempDir;

use super::*;
use crate::keyring::{KeyAlgorithm, Keyring, KeyringServices, Kind, Source};
use crate::memory::FixedClock;
use crate::services::{Certificates as _, PrivateKeys as _};
use crate::{Clock, Identity, Refusal};

/// 2026-11-22T12:00:00Z.
const NOW: u64 = 1_795_348_800;
const DAY: u64 = 86_400;
const TARO: &str = "taro@nec.example";

fn options() -> AuthorityOptions {
    AuthorityOptions {
        authority_algorithm: KeyAlgorithm::EcP256,
        algorithm: KeyAlgorithm::EcP256,
        ..AuthorityOptions::new(vec!["nec.example".to_owned(), "nec.test".to_owned()])
    }
}

fn keyring(folder: &Path) -> Arc<Keyring> {
    Arc::new(Keyring::open_or_create(&folder.join("nec.keyring")).unwrap())
}

fn authority(folder: &Path) -> Authority {
    Authority::new(keyring(folder), options())
}

fn issue(authority: &Authority, address: &str, now: u64) -> Issued {
    authority.issue(address, KeyAlgorithm::EcP256, 365, now).unwrap()
}

fn services(keyring: &Arc<Keyring>, now: u64) -> KeyringServices {
    KeyringServices::new(Arc::clone(keyring), Arc::new(FixedClock(now)))
}

/// Whether who trusts the root trusts what was issued.
fn holds(authority: &Authority, issued: &Issued, now: u64) -> bool {
    let read = |encoded: &[u8]| Certificate::from_der(encoded).unwrap();
    let (leaf, pool, anchors) = (read(&issued.certificate), [read(&issued.issuer)], [read(&authority.root().unwrap())]);
    path::validate(&leaf, &pool, &anchors, now, &mut Budget::for_message(0)).is_ok()
}

#[test]
fn the_first_certificate_makes_the_authority() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    assert!(!authority.is_founded().unwrap());
    assert!(matches!(authority.root(), Err(AuthorityError::None)));

    let taro = issue(&authority, "Taro@NEC.example", NOW);
    assert_eq!(taro.facts.mailboxes, ["Taro@nec.example"]);
    assert_eq!(taro.facts.serial.len(), 20);
    assert!(taro.facts.signs && taro.facts.enciphers);
    assert!(holds(&authority, &taro, NOW));
    let kinds: Vec<Kind> = taro.filed.iter().map(|filed| filed.record.kind).collect();
    assert_eq!(kinds, [Kind::Private, Kind::Public]);
    assert!(taro.filed.iter().all(|filed| filed.record.source == Source::Issued));

    // The second comes from the same one.
    let root = authority.root().unwrap();
    let hanako = issue(&authority, "hanako@nec.test", NOW + DAY);
    assert_eq!((authority.root().unwrap(), &hanako.issuer), (root, &taro.issuer));
    assert_ne!(hanako.facts.serial, taro.facts.serial);
}

#[test]
fn it_certifies_the_tenants_own_users_alone() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    for stranger in ["taro@elsewhere.example", "taro@sub.nec.example", "taro@nec.example.evil"] {
        let refused = authority.issue(stranger, KeyAlgorithm::EcP256, 365, NOW).unwrap_err();
        assert!(matches!(refused, AuthorityError::NotOurs(_)), "{stranger}: {refused}");
    }
    assert!(!authority.is_founded().unwrap(), "an authority was made for nothing");

    // A root that was made for other domains says so, and is not used for more.
    issue(&authority, TARO, NOW);
    let mut wider = options();
    wider.domains.push("new.example".to_owned());
    let wider = Authority::new(keyring(folder.path()), wider);
    let refused = wider.issue("taro@new.example", KeyAlgorithm::EcP256, 365, NOW).unwrap_err();
    assert!(matches!(refused, AuthorityError::Unconstrained(_)), "{refused}");
    wider.found(NOW).unwrap();
    let taro = wider.issue("taro@new.example", KeyAlgorithm::EcP256, 365, NOW).unwrap();
    assert!(holds(&wider, &taro, NOW));
}

/// The key of an authority is no identity, and no removal takes it along.
#[test]
fn no_message_gets_an_authoritys_key() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let taro = issue(&authority, TARO, NOW);
    let keyring = keyring(folder.path());
    let identities = services(&keyring, NOW).identities(TARO).unwrap();
    let [identity] = identities.as_slice() else { panic!("{} identities", identities.len()) };
    assert_eq!((&identity.certificate, &identity.chain), (&taro.certificate, &vec![taro.issuer.clone()]));
    assert_eq!(keyring.records(NOW).unwrap().len(), 2, "an authority is filed as somebody's");

    for kind in [Kind::Private, Kind::Public] {
        keyring.remove(kind, TARO, &taro.facts.fingerprint).unwrap();
    }
    assert!(holds(&authority, &issue(&authority, TARO, NOW), NOW));
}

/// Who can write the file and no more cannot have partners given another root, nor
/// have another authority, or a user's key, issue.
#[test]
fn an_authority_that_somebody_put_into_the_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let taro = issue(&authority, TARO, NOW);
    let elsewhere = TempDir::new().unwrap();
    let stranger = Authority::new(keyring(elsewhere.path()), options());
    issue(&stranger, TARO, NOW);
    let raw = rusqlite::Connection::open(folder.path().join("nec.keyring")).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let forged: [(Option<i64>, Vec<u8>, [u8; 32]); 3] = [
        // Another root, under its own key and under ours; a user as an authority.
        (None, stranger.root().unwrap(), [7; 32]),
        (None, stranger.root().unwrap(), key_id(&authority)),
        (Some(1), taro.certificate.clone(), taro.facts.key_id),
    ];
    for (issuer, certificate, key_id) in forged {
        let insert = "INSERT INTO authority (id, issuer, key_id, certificate) VALUES (99, ?, ?, ?)";
        raw.execute(insert, rusqlite::params![issuer, key_id, certificate]).unwrap();
        for refused in [authority.root().map(drop), authority.issue(TARO, KeyAlgorithm::EcP256, 365, NOW).map(drop)] {
            assert!(matches!(refused, Err(AuthorityError::Altered)), "{refused:?}");
        }
        raw.execute("DELETE FROM authority WHERE id = 99", []).unwrap();
    }
    authority.root().unwrap();
}

fn key_id(authority: &Authority) -> [u8; 32] {
    crate::keyring::CertificateFacts::from_der(&authority.root().unwrap()).unwrap().key_id
}

/// Its keys are sealed anew with all the others, and are none the less its own.
#[test]
fn an_authority_goes_on_when_the_keyring_is_rotated() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let (before, root) = (issue(&authority, TARO, NOW), authority.root().unwrap());
    keyring(folder.path()).rotate(None).unwrap();
    let second = issue(&authority, "hanako@nec.example", NOW);
    assert_eq!((&second.issuer, authority.root().unwrap()), (&before.issuer, root));
    assert!(holds(&authority, &second, NOW));
    assert_eq!(authority.revocation_lists(NOW).unwrap().len(), 2);
}

#[test]
fn an_issuing_authority_that_runs_out_is_replaced_and_a_root_is_not() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let first = issue(&authority, TARO, NOW);
    let later = NOW + 1700 * DAY;
    let second = issue(&authority, TARO, later);
    assert_ne!(first.issuer, second.issuer);
    assert!(holds(&authority, &second, later));
    assert_eq!(authority.revocation_lists(later).unwrap().len(), 3);

    let end = NOW + 7200 * DAY;
    let refused = authority.issue(TARO, KeyAlgorithm::EcP256, 365, end).unwrap_err();
    assert!(matches!(refused, AuthorityError::RootEnds), "{refused}");
    authority.found(end).unwrap();
    assert!(holds(&authority, &issue(&authority, TARO, end), end));
}

#[test]
fn nothing_outlives_its_issuer() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let refused = authority.issue(TARO, KeyAlgorithm::EcP256, 2000, NOW).unwrap_err();
    assert!(matches!(refused, AuthorityError::OutlivesIssuer), "{refused}");
    assert!(!authority.is_founded().unwrap(), "an authority was made for nothing");
}

fn renewed(authority: &Authority, now: u64) -> Vec<Renewal> {
    authority.renew(30 * DAY, now).unwrap()
}

#[test]
fn what_expires_soon_is_renewed_once_and_the_old_key_still_decrypts() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let old = issue(&authority, TARO, NOW);
    let gone = issue(&authority, "gone@nec.example", NOW);
    let keyring = keyring(folder.path());
    keyring.retire("gone@nec.example", &gone.facts.fingerprint, true).unwrap();
    assert!(renewed(&authority, NOW + 300 * DAY).is_empty(), "too early");

    let now = NOW + 340 * DAY;
    let renewals = renewed(&authority, now);
    let [Renewal::Renewed(new)] = renewals.as_slice() else { panic!("{renewals:?}") };
    assert_ne!(new.facts.key_id, old.facts.key_id);
    assert!(renewed(&authority, now).is_empty(), "renewed twice");
    let identities = services(&keyring, now).identities(TARO).unwrap();
    let order: Vec<(&[u8], bool)> =
        identities.iter().map(|identity| (identity.certificate.as_slice(), identity.retired)).collect();
    assert_eq!(order, [(new.certificate.as_slice(), false), (old.certificate.as_slice(), true)]);
}

#[test]
fn who_cannot_be_renewed_keeps_no_other_from_it() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    issue(&authority, "taro@nec.test", NOW);
    issue(&authority, TARO, NOW + DAY);
    let mut narrower = options();
    narrower.domains.retain(|domain| domain == "nec.example");
    let renewals = renewed(&Authority::new(keyring(folder.path()), narrower), NOW + 340 * DAY);
    let [Renewal::Failed { address, error: AuthorityError::NotOurs(_) }, Renewal::Renewed(_)] = renewals.as_slice()
    else {
        panic!("{renewals:?}")
    };
    assert_eq!(address, "taro@nec.test");
}

/// As it is when the process ended between the two.
#[test]
fn what_was_renewed_and_not_retired_is_retired() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let old = issue(&authority, TARO, NOW);
    let now = NOW + 340 * DAY;
    issue(&authority, TARO, now);
    let renewals = renewed(&authority, now);
    assert!(
        matches!(renewals.as_slice(), [Renewal::Retired { fingerprint, .. }] if *fingerprint == old.facts.fingerprint),
        "{renewals:?}"
    );
}

#[test]
fn what_is_revoked_serves_nothing_new() {
    let folder = TempDir::new().unwrap();
    let authority = authority(folder.path());
    let (taro, hanako) = (issue(&authority, TARO, NOW), issue(&authority, "hanako@nec.example", NOW));
    for nothing in [Revocable::Address("jiro@nec.example"), Revocable::Fingerprint("%"), Revocable::Fingerprint("")] {
        let refused = authority.revoke(nothing, RevocationReason::Unspecified, NOW).unwrap_err();
        assert!(matches!(refused, AuthorityError::NotIssued(_)), "{refused}");
    }
    let digits = crate::keyring::hex(&taro.facts.fingerprint);
    let which = Revocable::Fingerprint(&digits[..16]);
    let revoked = authority.revoke(which, RevocationReason::KeyCompromise, NOW).unwrap();
    assert_eq!(revoked, [Revoked { address: TARO.to_owned(), fingerprint: taro.facts.fingerprint }]);
    let keyring = keyring(folder.path());
    let identities = services(&keyring, NOW).identities(TARO).unwrap();
    assert!(identities.iter().all(|identity| identity.retired) && identities.len() == 1);
    assert!(services(&keyring, NOW).certificates(TARO).unwrap().is_empty());
    assert!(renewed(&authority, NOW + 340 * DAY).iter().all(
        |renewal| matches!(renewal, Renewal::Renewed(issued) if issued.facts.mailboxes == hanako.facts.mailboxes)
    ));
}

/// A tenant with the authority at work, and nobody's keys.
fn on_demand(folder: &Path, per_day: u32, now: u64) -> OnDemand {
    let (keyring, clock): (_, Arc<dyn Clock>) = (keyring(folder), Arc::new(FixedClock(now)));
    let keys = Arc::new(KeyringServices::new(Arc::clone(&keyring), Arc::clone(&clock)));
    OnDemand { keys, authority: Authority::new(keyring, options()), per_day, clock }
}

fn sends(keys: &OnDemand, address: &str) -> Result<Vec<Identity>, Refusal> {
    keys.identities_of_sender(address)
}

#[test]
fn who_sends_is_issued_a_certificate_and_who_receives_is_not() {
    let folder = TempDir::new().unwrap();
    let keys = on_demand(folder.path(), 10, NOW);
    assert!(keys.identities(TARO).unwrap().is_empty());
    assert!(!keys.authority.is_founded().unwrap());
    let first = sends(&keys, TARO).unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(sends(&keys, TARO).unwrap()[0].certificate, first[0].certificate);
    for nobody in ["taro@elsewhere.example", "domain-signing-authority@nec.example", "nobody"] {
        assert!(sends(&keys, nobody).unwrap().is_empty(), "{nobody}");
    }
}

#[test]
fn certificates_on_demand_are_bounded_and_mail_waits_for_more() {
    let folder = TempDir::new().unwrap();
    let keys = on_demand(folder.path(), 2, NOW);
    for address in ["a@nec.example", "b@nec.example"] {
        assert_eq!(sends(&keys, address).unwrap().len(), 1);
    }
    assert!(matches!(sends(&keys, "c@nec.example"), Err(Refusal::Unavailable(_))));
    assert_eq!(sends(&keys, "a@nec.example").unwrap().len(), 1);
    drop(keys);
    let tomorrow = on_demand(folder.path(), 2, NOW + DAY + 1);
    assert_eq!(sends(&tomorrow, "c@nec.example").unwrap().len(), 1);
}

/// Many messages of one sender at once make one certificate.
#[test]
fn at_the_same_time_one_certificate_is_issued() {
    let folder = TempDir::new().unwrap();
    keyring(folder.path());
    let found: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| sends(&on_demand(folder.path(), 10, NOW), TARO).unwrap()[0].certificate.clone()))
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert!(found.iter().all(|certificate| *certificate == found[0]));
    assert_eq!(keyring(folder.path()).records(NOW).unwrap().len(), 2);
    assert_eq!(authority(folder.path()).revocation_lists(NOW).unwrap().len(), 2);
}

#[test]
fn whoever_lost_a_certificate_gets_none_by_sending() {
    let folder = TempDir::new().unwrap();
    let keys = on_demand(folder.path(), 10, NOW);
    sends(&keys, TARO).unwrap();
    let revoked = keys.authority.revoke(Revocable::Address(TARO), RevocationReason::CessationOfOperation, NOW).unwrap();
    assert!(sends(&keys, TARO).unwrap().iter().all(|identity| identity.retired));
    let keyring = keyring(folder.path());
    keyring.remove(Kind::Private, TARO, &revoked[0].fingerprint).unwrap();
    assert!(sends(&keys, TARO).unwrap().is_empty());
}
