//! The mail server's side as OpenDKIM's `miltertest` has it: written from
//! Sendmail's library, and by others.

use std::fs;

use super::Milter;
use crate::support::{have, must};

/// It negotiates as Sendmail does, and finds the change where it looks for it: a
/// result that alice's own mail server did not write is taken out (T23). No body,
/// since `miltertest` has room for a thousand octets of one and writes past it.
#[test]
fn t23_miltertest_finds_the_forged_result_taken_out() {
    if !have("t23_miltertest_finds_the_forged_result_taken_out", &["miltertest"]) {
        return;
    }
    let milter = Milter::start();
    let script = SCRIPT.replace("PORT", &milter.inbound.to_string());
    let file = milter.gateway.path().join("script.lua");
    fs::write(&file, script).expect("a script");
    must("miltertest", &["-s", &file.display().to_string()], b"");
}

const SCRIPT: &str = r#"
connection = mt.connect("inet:PORT@127.0.0.1")
if connection == nil then error("no connection") end

local function continues(step, result)
  if result ~= nil then error(step .. " failed") end
  if mt.getreply(connection) ~= SMFIR_CONTINUE then error(step .. " was not continued") end
end

continues("conninfo", mt.conninfo(connection, "client.test", "192.0.2.7"))
continues("helo", mt.helo(connection, "client.test"))
continues("mailfrom", mt.mailfrom(connection, "<erin@else.example>"))
continues("rcptto", mt.rcptto(connection, "<alice@peer.example>"))

mt.rcptto(connection, "<erin@else.example>")
if mt.getreply(connection) ~= SMFIR_REPLYCODE then error("a stranger was taken for a recipient") end

continues("header", mt.header(connection, "From", "erin@else.example"))
continues("header", mt.header(connection, "Authentication-Results", "mx.peer.example; smime=pass"))
continues("header", mt.header(connection, "To", "alice@peer.example"))
continues("eoh", mt.eoh(connection))
continues("body", mt.bodystring(connection, "The offer stands until Friday.\r\n"))

if mt.eom(connection) ~= nil then error("eom failed") end
if mt.getreply(connection) ~= SMFIR_CONTINUE then error("the message was not let through") end
if not mt.eom_check(connection, MT_HDRDELETE, "Authentication-Results") then error("the result is still there") end
if mt.eom_check(connection, MT_HDRDELETE, "From") then error("From was deleted") end
if mt.eom_check(connection, MT_BODYCHANGE) then error("the body was changed") end
mt.disconnect(connection)
"#;
