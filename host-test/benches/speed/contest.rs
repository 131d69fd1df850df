//! All contenders side by side: message by message, one way and back.

use host_test::variants::say;

use crate::contenders::{ACCELERATED, Contender, Contenders, OPENSSL, World};
use crate::measure::{Cost, Effort, Work, interleaved};
use crate::people::{self, Cipher, Kind};
use crate::plot::{Line, Plot};
use crate::report::{Report, Table, size, times};

/// A message that is measured.
#[derive(Clone, Copy)]
struct Case {
    size: usize,
    kind: Kind,
    cipher: Cipher,
    recipients: usize,
    /// Whether the builds that are known to be slow take part as well.
    all: bool,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Each axis once, from the case that the goals are set for.
fn cases() -> Vec<Case> {
    let base = Case { size: 4 * KIB, kind: Kind::Rsa2048, cipher: Cipher::Cbc, recipients: 1, all: true };
    let sizes = [4 * KIB, 64 * KIB, MIB, 25 * MIB];
    let mut cases: Vec<Case> = sizes.iter().map(|&size| Case { size, ..base }).collect();
    cases.extend(sizes.iter().map(|&size| Case { size, cipher: Cipher::Gcm, all: size < 25 * MIB, ..base }));
    for kind in [Kind::Rsa3072, Kind::P256] {
        for size in [4 * KIB, 64 * KIB, MIB] {
            cases.push(Case { size, kind, all: size == 4 * KIB, ..base });
        }
    }
    for recipients in [10, 100] {
        for size in [4 * KIB, MIB] {
            cases.push(Case { size, recipients, all: size == 4 * KIB, ..base });
        }
    }
    cases
}

/// What one way of one message costs each contender.
struct Outcome {
    case: Case,
    way: &'static str,
    costs: Vec<(&'static str, Cost)>,
}

impl Outcome {
    fn of(&self, name: &str) -> Option<Cost> {
        self.costs.iter().find(|(known, _)| *known == name).map(|(_, cost)| *cost)
    }

    /// How many times as long `one` takes as `other`.
    fn ratio(&self, one: &str, other: &str) -> Option<f64> {
        Some(self.of(one)?.wall.median / self.of(other)?.wall.median)
    }
}

/// Measures all cases; the tables, and the plots beside them.
pub fn run(contenders: &Contenders, effort: Effort, report: &Report) -> Result<String, String> {
    let mut results = Vec::new();
    for case in cases().into_iter().filter(|case| case.size <= effort.largest) {
        eprintln!("{} {} {} {}", size(case.size), case.kind.name(), case.cipher.name(), case.recipients);
        results.extend(measure(contenders, effort, case)?);
    }
    for way in WAYS {
        plot(&results, way).write(report, &format!("size-{way}"))?;
    }
    let mut text = String::from(
        "## Beside OpenSSL\n\nMilliseconds on the wall for one message: the median, and in brackets the quartiles.\n\n",
    );
    text.push_str(&table(contenders, &results).to_string());
    text.push_str("\nThe goals, and what was measured: times OpenSSL's median, by the wall and by processor time.\n\n");
    text.push_str(&goals(&results).to_string());
    for way in WAYS {
        text.push_str(&format!("\n![{way}, by size](performance/size-{way}.svg)\n"));
    }
    Ok(text)
}

const WAYS: [&str; 2] = ["seal", "open"];

fn measure(contenders: &Contenders, effort: Effort, case: Case) -> Result<[Outcome; 2], String> {
    let world = World::new(case.kind, case.cipher, case.recipients);
    let message = people::message(case.size, case.recipients);
    let mut field: Vec<&Contender> = contenders.iter().filter(|contender| case.all || contender.is_main()).collect();
    // Each opens what the native logic sealed, and what each sealed can be opened.
    let sealed = world.seal(&Contender::Native, &message)?;
    let expected = content(&world.open(&Contender::Native, &sealed)?);
    let same_work = |contender: &Contender| {
        let own = world.seal(contender, &message)?;
        for opened in [world.open(&Contender::Native, &own)?, world.open(contender, &sealed)?] {
            if content(&opened) != expected {
                return Err("it does other work than the rest".to_owned());
            }
        }
        Ok(())
    };
    let mut left_out = Vec::new();
    field.retain(|contender| match same_work(contender) {
        Ok(()) => true,
        Err(e) => {
            left_out.push(format!("{}, {} {}: {e}", contender.name(), size(case.size), case.cipher.name()));
            false
        }
    });
    if effort.is_tiny() && !left_out.is_empty() {
        return Err(left_out.join("; "));
    }
    // A gap in the tables is better than no tables at all.
    left_out.iter().for_each(|one| say(&format!("LEFT OUT: {one}")));
    let (world, message, sealed) = (&world, &message, &sealed);
    let seal = |contender: &Contender| drop(world.seal(contender, message));
    let open = |contender: &Contender| drop(world.open(contender, sealed));
    let names = || field.iter().map(|contender| contender.name());
    let seals = interleaved(effort, field.iter().map(|&one| Box::new(move || seal(one)) as Work<'_>).collect());
    let opens = interleaved(effort, field.iter().map(|&one| Box::new(move || open(one)) as Work<'_>).collect());
    Ok([
        Outcome { case, way: "seal", costs: names().zip(seals).collect() },
        Outcome { case, way: "open", costs: names().zip(opens).collect() },
    ])
}

/// The body, which everybody has to get out in the same octets.
fn content(message: &[u8]) -> Vec<u8> {
    let at = memchr::memmem::find(message, b"\r\n\r\n").unwrap_or_default();
    message.get(at..).unwrap_or_default().to_vec()
}

fn table(contenders: &Contenders, results: &[Outcome]) -> Table {
    let names: Vec<&str> = contenders.iter().map(Contender::name).collect();
    let mut table = Table::new(&["message", "key", "cipher", "to", "way"], &names);
    for result in results {
        let Case { size: octets, kind, cipher, recipients, .. } = result.case;
        let mut row = vec![
            size(octets),
            kind.name().to_owned(),
            cipher.name().to_owned(),
            recipients.to_string(),
            result.way.to_owned(),
        ];
        row.extend(names.iter().map(|name| result.of(name).map_or_else(String::new, cell)));
        table.row(row);
    }
    table
}

fn cell(cost: Cost) -> String {
    let milliseconds = |seconds: f64| format!("{:.*}", if seconds < 0.01 { 3 } else { 1 }, seconds * 1e3);
    let wall = cost.wall;
    format!("**{}** [{}, {}]", milliseconds(wall.median), milliseconds(wall.lower), milliseconds(wall.upper))
}

/// The sizes of the goals, with what is allowed and what is wished for.
const GOALS: [(usize, f64, f64); 4] =
    [(4 * KIB, 1.2, 0.9), (64 * KIB, 1.2, 0.9), (MIB, 1.0, 0.7), (25 * MIB, 0.7, 0.4)];

/// The sandbox beside the same code outside of it.
const AGAINST_NATIVE: f64 = 1.2;

fn goals(results: &[Outcome]) -> Table {
    let mut table = Table::new(
        &["message", "way"],
        &["at most", "goal", "× OpenSSL", "by processor", "", "× native", "at most", ""],
    );
    for (octets, most, goal) in GOALS {
        let ours = |result: &&Outcome| {
            let case = result.case;
            (case.size, case.kind, case.cipher, case.recipients) == (octets, Kind::Rsa2048, Cipher::Cbc, 1)
        };
        for result in results.iter().filter(ours) {
            let against = result.ratio(ACCELERATED, OPENSSL);
            let by_processor = result.of(ACCELERATED).zip(result.of(OPENSSL));
            let by_processor = by_processor.map(|(one, other)| one.processor.median / other.processor.median);
            let native = result.ratio(ACCELERATED, "native");
            let verdict = |ratio: Option<f64>, most: f64, goal: f64| match ratio {
                Some(ratio) if ratio <= goal => "goal met",
                Some(ratio) if ratio <= most => "met",
                Some(_) => "MISSED",
                None => "not measured",
            };
            table.row(vec![
                size(octets),
                result.way.to_owned(),
                times(Some(most)),
                times(Some(goal)),
                times(against),
                times(by_processor),
                verdict(against, most, goal).to_owned(),
                times(native),
                times(Some(AGAINST_NATIVE)),
                verdict(native, AGAINST_NATIVE, 0.0).to_owned(),
            ]);
        }
    }
    table
}

fn plot(results: &[Outcome], way: &str) -> Plot {
    let of_base = |result: &&Outcome| {
        let case = result.case;
        result.way == way && (case.kind, case.cipher, case.recipients) == (Kind::Rsa2048, Cipher::Cbc, 1)
    };
    let chosen: Vec<&Outcome> = results.iter().filter(of_base).collect();
    let names = chosen.first().map(|result| result.costs.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let lines = names.unwrap_or_default().into_iter().map(|name| Line {
        name: name.to_owned(),
        points: chosen
            .iter()
            .filter_map(|result| Some((result.case.size as f64, result.of(name)?.wall.median * 1e3)))
            .collect(),
    });
    Plot {
        title: format!("{way}: RSA-2048, AES-256-CBC, one recipient"),
        x: "octets of the message".to_owned(),
        y: "milliseconds".to_owned(),
        lines: lines.collect(),
    }
}
