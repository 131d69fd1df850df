//! Each test confines a thread of its own, which ends with it.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::thread;

use super::*;

/// Does `work` in a thread confined to `needs`, unless the kernel cannot, which is
/// said aloud.
fn confined(test: &str, needs: Needs, work: impl FnOnce() + Send + 'static) {
    let done = thread::spawn(move || {
        let confinement = Confinement::begin(needs).unwrap();
        if confinement.force == Force::FilesAndPorts {
            work();
        }
        confinement.force
    });
    let force = done.join().unwrap();
    if force != Force::FilesAndPorts {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), "skipped: {test}: this kernel confines {}", force.name());
    }
}

#[test]
fn only_what_the_configuration_names_is_read_and_written() {
    let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let written = tempfile::tempdir().unwrap();
    for folder in [&inside, &outside] {
        fs::write(folder.path().join("key"), "secret").unwrap();
    }
    // A link in a folder that is granted leads nowhere that is not.
    std::os::unix::fs::symlink(outside.path().join("key"), inside.path().join("link")).unwrap();
    let real = |path: &Path| path.canonicalize().unwrap();
    let needs = Needs { read: [real(inside.path())].into(), write: [real(written.path())].into(), ..Needs::default() };
    confined("only_what_the_configuration_names_is_read_and_written", needs, move || {
        let denied = |done: std::io::Result<()>| assert_eq!(done.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(fs::read_to_string(inside.path().join("key")).unwrap(), "secret");
        denied(fs::read(outside.path().join("key")).map(drop));
        denied(fs::read(inside.path().join("link")).map(drop));
        denied(fs::read("/etc/passwd").map(drop));
        denied(fs::write(inside.path().join("new"), "x"));
        denied(fs::remove_file(inside.path().join("key")));
        denied(std::process::Command::new("/bin/true").status().map(drop));
        fs::write(written.path().join("new"), "x").unwrap();
        fs::rename(written.path().join("new"), written.path().join("newer")).unwrap();
        drop(UnixListener::bind(written.path().join("socket")).unwrap());
        fs::remove_file(written.path().join("socket")).unwrap();
    });
}

#[test]
fn only_ports_of_the_configuration_are_bound_and_connected_to() {
    let (known, unknown) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = |socket: &TcpListener| socket.local_addr().unwrap().port();
    let needs = Needs { bind: [0].into(), connect: [port(&known)].into(), ..Needs::default() };
    confined("only_ports_of_the_configuration_are_bound_and_connected_to", needs, move || {
        TcpStream::connect(known.local_addr().unwrap()).unwrap();
        let refused = TcpStream::connect(unknown.local_addr().unwrap()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        drop(TcpListener::bind("127.0.0.1:0").unwrap());
        assert_eq!(TcpListener::bind("127.0.0.1:2525").unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn what_a_reload_may_not_do_is_said() {
    let granted = Needs {
        read: ["/etc/wasmime".into()].into(),
        write: ["/var/lib/wasmime".into()].into(),
        bind: [8891].into(),
        connect: [53, 10026].into(),
        all_files: false,
    };
    let confinement = Confinement { granted: granted.clone(), force: Force::FilesAndPorts };
    assert_eq!(confinement.covers(&granted), Ok(()));
    let mut fewer = granted.clone();
    fewer.bind.clear();
    fewer.read = ["/etc/wasmime/more".into(), "/var/lib/wasmime".into()].into();
    assert_eq!(confinement.covers(&fewer), Ok(()));
    let mut more = granted.clone();
    more.write.insert("/srv/keys".into());
    more.read.insert("/etc/wasmime-other".into());
    more.bind.insert(8892);
    more.connect.insert(25);
    assert_eq!(
        confinement.covers(&more).unwrap_err(),
        "since it started, the process is confined and may not read /etc/wasmime-other, nor write /srv/keys, nor \
         listen on TCP port 8892, nor connect to TCP port 25: restart it (or set landlock = false)"
    );
    let unable = Confinement { granted, force: Force::Nothing };
    assert_eq!(unable.covers(&more), Ok(()));
}

#[test]
fn a_configuration_needs_the_folders_of_its_files_and_its_ports() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("wasmime.toml");
    let text = "[gateway]\nstatus = \"127.0.0.1:8025\"\naudit = \"log/audit.jsonl\"\n\
        [[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:2525\"\ndirection = \"inbound\"\n\
        next-hop = \"smtp://127.0.0.1:10026\"\ntls = { certificate = \"tls/gw.pem\", key = \"tls/gw.key\" }\n\
        [[listener]]\nprotocol = \"milter\"\naddress = \"unix:/run/wasmime/milter.sock\"\ndirection = \"outbound\"\n\
        [tenant.nec]\ndomains = [\"nec.co.jp\"]\nkeyring = \"keys/nec.keyring\"\n\
        anchors = [\"/etc/ssl/nec.pem\"]\nrevocation-lists = [\"lists/*/now.crl\"]\n\
        public-keys = [\"keyring\", \"directory\"]\n[tenant.nec.directory]\nbase = \"dc=nec\"\n\
        servers = [\"ldaps://a.nec.co.jp\", \"ldap://b.nec.co.jp:3389\"]\nca = \"ldap/ca.pem\"\n";
    let configuration = crate::config::Configuration::parse(&path, text).unwrap();
    let needs = Needs::of(&configuration, None, None);
    let within = |name: &str| path.with_file_name(name);
    assert_eq!(
        needs.read,
        [within(""), within("tls"), within("lists"), within("ldap"), "/etc/ssl".into()]
            .map(|p| p.components().collect())
            .into()
    );
    assert_eq!(needs.write, [within("log"), within("keys"), "/run/wasmime".into()].into());
    assert_eq!(needs.bind, [2525, 8025].into());
    assert_eq!(needs.connect, [53, 636, 3389, 10026].into());
}
