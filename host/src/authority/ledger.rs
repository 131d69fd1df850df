//! What the keyring remembers of an authority: its certificates, what it issued, and
//! what it revoked.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::keyring::CertificateFacts;

/// A certificate of the authority's own, and where its key is.
#[derive(Clone, Debug)]
pub(super) struct AuthorityRow {
    /// Its number in the keyring; later ones are greater.
    pub(super) id: i64,
    /// The root that issued it; none for a root.
    pub(super) issuer: Option<i64>,
    /// The digest of its public key.
    pub(super) key_id: [u8; 32],
    /// The DER.
    pub(super) certificate: Vec<u8>,
}

/// All of the authority's certificates, the oldest first.
pub(super) fn authorities(connection: &Connection) -> rusqlite::Result<Vec<AuthorityRow>> {
    let read = |row: &Row<'_>| {
        Ok(AuthorityRow { id: row.get(0)?, issuer: row.get(1)?, key_id: row.get(2)?, certificate: row.get(3)? })
    };
    connection
        .prepare_cached("SELECT id, issuer, key_id, certificate FROM authority ORDER BY id")?
        .query_map([], read)?
        .collect()
}

/// Keeps a certificate of the authority's own, whose key is filed already. Its number.
pub(super) fn keep_authority(
    connection: &Connection,
    issuer: Option<i64>,
    key_id: &[u8; 32],
    certificate: &[u8],
) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO authority (issuer, key_id, certificate) VALUES (?, ?, ?)",
        params![issuer, key_id, certificate],
    )?;
    Ok(connection.last_insert_rowid())
}

/// The number of the next revocation list of an authority, each given once (RFC
/// 5280, section 5.2.3).
pub(super) fn next_list(connection: &Connection, authority: i64) -> rusqlite::Result<u64> {
    connection.execute("UPDATE authority SET lists = lists + 1 WHERE id = ?", params![authority])?;
    let lists: i64 =
        connection.query_row("SELECT lists FROM authority WHERE id = ?", params![authority], |row| row.get(0))?;
    Ok(lists.unsigned_abs())
}

/// Something that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuedRow {
    pub(super) authority: i64,
    /// The content octets of its serial number.
    pub(super) serial: Vec<u8>,
    pub(super) address: String,
    pub(super) fingerprint: [u8; 32],
    /// The last second of its validity.
    pub(super) expires: u64,
    /// Whether it was revoked.
    pub(super) revoked: bool,
}

/// Notes what was issued, when, and whether for a message.
pub(super) fn note_issued(
    connection: &Connection,
    authority: i64,
    address: &str,
    facts: &CertificateFacts,
    now: u64,
    on_demand: bool,
) -> rusqlite::Result<()> {
    let (now, expires) = (seconds(now), seconds(facts.not_after));
    connection.execute(
        "INSERT INTO issued (authority, serial, address, fingerprint, issued, expires, on_demand) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![authority, facts.serial, address, facts.fingerprint, now, expires, on_demand],
    )?;
    Ok(())
}

/// What is sought among what was issued.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sought<'a> {
    /// What was issued for an address, as it is filed.
    For(&'a str),
    /// Whose fingerprint begins with these digits, in lower case.
    Fingerprint(&'a str),
    /// What expires before this instant.
    Before(u64),
}

/// What was issued, as far as it is sought, in the order of expiry.
pub(super) fn issued(connection: &Connection, sought: Sought<'_>) -> rusqlite::Result<Vec<IssuedRow>> {
    const COLUMNS: &str = "SELECT authority, serial, address, fingerprint, expires, revoked IS NOT NULL FROM issued";
    let read = |row: &Row<'_>| {
        Ok(IssuedRow {
            authority: row.get(0)?,
            serial: row.get(1)?,
            address: row.get(2)?,
            fingerprint: row.get(3)?,
            expires: row.get::<_, i64>(4)?.unsigned_abs(),
            revoked: row.get(5)?,
        })
    };
    let condition = match sought {
        Sought::For(_) => "address = ?",
        Sought::Fingerprint(_) => "lower(hex(fingerprint)) LIKE ? || '%'",
        Sought::Before(_) => "expires < ?",
    };
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE {condition} ORDER BY expires"))?;
    match sought {
        Sought::For(text) | Sought::Fingerprint(text) => statement.query_map(params![text], read)?.collect(),
        Sought::Before(instant) => statement.query_map(params![seconds(instant)], read)?.collect(),
    }
}

/// How many certificates were issued for messages since an instant.
pub(super) fn on_demand_since(connection: &Connection, instant: u64) -> rusqlite::Result<u32> {
    connection.query_row(
        "SELECT count(*) FROM issued WHERE on_demand AND issued > ?",
        params![seconds(instant)],
        |row| row.get(0),
    )
}

/// Whether a private key is filed for an address, be it retired.
pub(super) fn has_private_key(connection: &Connection, address: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM private_key_store WHERE address = ? LIMIT 1")?.exists(params![address])
}

/// Notes that something is revoked. What was revoked before stays as it was.
pub(super) fn revoke(connection: &Connection, row: &IssuedRow, now: u64, reason: u32) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE issued SET revoked = ?, reason = ? WHERE authority = ? AND serial = ? AND revoked IS NULL",
        params![seconds(now), reason, row.authority, row.serial],
    )?;
    Ok(())
}

/// An entry of a revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RevokedRow {
    pub(super) serial: Vec<u8>,
    /// When it was revoked, in seconds since 1970-01-01T00:00:00Z.
    pub(super) revoked: u64,
    /// The number of the reason (RFC 5280, section 5.3.1).
    pub(super) reason: u32,
}

/// What an authority has revoked, in the order in which it did. What has expired
/// stays: old mail is verified, too.
pub(super) fn revoked(connection: &Connection, authority: i64) -> rusqlite::Result<Vec<RevokedRow>> {
    let read = |row: &Row<'_>| {
        let revoked: i64 = row.get(1)?;
        Ok(RevokedRow { serial: row.get(0)?, revoked: revoked.unsigned_abs(), reason: row.get(2)? })
    };
    connection
        .prepare_cached(
            "SELECT serial, revoked, reason FROM issued WHERE authority = ? AND revoked IS NOT NULL \
             ORDER BY revoked, serial",
        )?
        .query_map(params![authority], read)?
        .collect()
}

/// The revocations of an address, for whatever reason but that it has another.
pub(super) fn was_revoked(connection: &Connection, address: &str) -> rusqlite::Result<bool> {
    let found: Option<i64> = connection
        .query_row(
            "SELECT 1 FROM issued WHERE address = ? AND revoked IS NOT NULL AND reason <> 4 LIMIT 1",
            params![address],
            |row| row.get(0),
        )
        .optional()?;
    Ok(found.is_some())
}

fn seconds(instant: u64) -> i64 {
    i64::try_from(instant).unwrap_or(i64::MAX)
}
