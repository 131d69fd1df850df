//! `docs/performance.md`: what is measured stands between two marks, and replaces
//! what stood there; the rest is written by people.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The page, and the folder of the plots.
pub struct Report {
    page: PathBuf,
    plots: PathBuf,
    sections: Vec<String>,
}

const BEGIN: &str = "<!-- measured: written by `make bench` -->\n";
const END: &str = "<!-- end of what was measured -->\n";

impl Report {
    /// That in the folder `docs`.
    pub fn new(docs: &Path) -> Result<Self, String> {
        let plots = docs.join("performance");
        fs::create_dir_all(&plots).map_err(|e| format!("{}: {e}", plots.display()))?;
        Ok(Self { page: docs.join("performance.md"), plots, sections: Vec::new() })
    }

    /// The file of a plot.
    pub fn plot(&self, name: &str) -> PathBuf {
        self.plots.join(format!("{name}.svg"))
    }

    pub fn section(&mut self, text: String) {
        println!("{text}");
        self.sections.push(text);
    }

    pub fn write(&self) -> Result<(), String> {
        let before = fs::read_to_string(&self.page).unwrap_or_else(|_| format!("# Performance\n\n{BEGIN}{END}"));
        let marks = before.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
        let (head, tail) = marks.ok_or_else(|| format!("{}: the marks are missing", self.page.display()))?;
        let page = format!("{head}{BEGIN}\n{}\n{END}{tail}", self.sections.join("\n"));
        fs::write(&self.page, page).map_err(|e| format!("{}: {e}", self.page.display()))
    }
}

/// A table in Markdown: words to the left, numbers to the right.
pub struct Table {
    head: Vec<String>,
    words: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(words: &[&str], numbers: &[&str]) -> Self {
        let head = words.iter().chain(numbers).map(|name| (*name).to_owned()).collect();
        Self { head, words: words.len(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.head.join(" | "))?;
        let rules = (0..self.head.len()).map(|column| if column < self.words { "---" } else { "--:" });
        writeln!(f, "|{}|", rules.collect::<Vec<_>>().join("|"))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// Octets as people say them.
pub fn size(octets: usize) -> String {
    match octets {
        _ if octets >= 1 << 20 => format!("{} MiB", octets >> 20),
        _ => format!("{} KiB", octets >> 10),
    }
}

/// Octets in MiB.
pub fn mebibytes(octets: usize) -> String {
    format!("{:.1}", octets as f64 / f64::from(1 << 20))
}

/// How many times as much.
pub fn times(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
}
