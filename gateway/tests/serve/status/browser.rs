//! The page in a real browser: Chromium, without a window.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::Watched;
use super::http::get;
use crate::support::{have, run};

/// How a browser is called that touches nothing but this page.
const QUIET: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A message whose name in the queue is a script, is refused: the page shows both.
const SCRIPT: &str = "<script>document.title='owned'</script>";

#[test]
fn the_page_is_plain_protected_and_escaped() {
    let watched = Watched::start();
    watched.traffic(SCRIPT);
    let page = get(watched.status, "/");
    assert_eq!((page.code, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.body.contains("<script"), "{}", page.body);
    assert!(page.body.contains("&lt;script&gt;"), "the name in the queue is not shown");
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "something from elsewhere");
    assert_eq!(get(watched.status, "/style.css").header("content-type"), "text/css; charset=utf-8");
}

#[test]
fn a_browser_reads_the_page() {
    if !have("a_browser_reads_the_page", &["chromium"]) {
        return;
    }
    let watched = Watched::start();
    watched.traffic(SCRIPT);
    let profile = TempDir::new().expect("a folder");
    let url = format!("http://127.0.0.1:{}/", watched.status);
    let chromium = |arguments: &[String]| {
        let mut command = Command::new("timeout");
        command.args(["90", "chromium"]).args(QUIET).args(arguments).arg(&url);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let output = run(&mut command, b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };

    let seen = chromium(&["--dump-dom".into()]);
    assert!(seen.contains("<title>Wasmime on gw.lan.example</title>"), "{seen}");
    assert!(seen.contains(">serving<"), "{seen}");
    let row = |table: &str, words: &[&str]| {
        let from = seen.split(&format!("<table id=\"{table}\">")).nth(1).unwrap_or_else(|| panic!("{table}: {seen}"));
        let rows = from.split("</table>").next().expect("a table").split("<tr>");
        assert!(rows.clone().any(|row| words.iter().all(|word| row.contains(word))), "{words:?} in {table}: {seen}");
    };
    row("traffic", &["lan", "lan.example", "outbound", ">1<"]);
    row("traffic", &["lan", "inbound", ">1<"]);
    row("refusals", &["lan", "inbound, in", "altered", "550 5.7.7", "&lt;script&gt;"]);
    row("services", &["lan", "keyring", "up"]);
    row("listeners", &["out", "milter", "outbound", "none"]);

    for (name, width) in [("wide", 1200), ("narrow", 500)] {
        let picture = profile.path().join(format!("{name}.png"));
        chromium(&[format!("--screenshot={}", picture.display()), format!("--window-size={width},1400")]);
        let picture = fs::read(picture).expect("a picture");
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert_eq!(picture[16..20], u32::to_be_bytes(width), "the page does not fit a window of {width}");
        // An empty page of this size takes a tenth of it.
        assert!(picture.len() > 20_000, "{} octets", picture.len());
    }
}
