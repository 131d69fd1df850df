//! Measures several contestants in turn, so that what disturbs the machine disturbs
//! all of them alike.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// How much time is spent on measuring.
#[derive(Clone, Copy)]
pub struct Effort {
    /// How often each contestant has its turn.
    pub rounds: usize,
    /// How long a turn takes at the least: fast work is repeated.
    pub turn: Duration,
    /// After this no further round begins, but for the first three.
    pub most: Duration,
    /// The largest message, in octets.
    pub largest: usize,
    /// How long throughput is watched.
    pub watch: Duration,
    /// How many there are of what is counted in thousands.
    pub many: usize,
}

impl Effort {
    /// For figures that are to be believed.
    pub const FULL: Self = Self {
        rounds: 25,
        turn: Duration::from_millis(12),
        most: Duration::from_secs(12),
        largest: 25 << 20,
        watch: Duration::from_secs(3),
        many: 1000,
    };

    /// To see that it runs.
    pub const TINY: Self = Self {
        rounds: 1,
        turn: Duration::ZERO,
        most: Duration::ZERO,
        largest: 4 << 10,
        watch: Duration::from_millis(20),
        many: 3,
    };

    pub fn is_tiny(self) -> bool {
        self.rounds == 1
    }
}

/// Quartiles, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Spread {
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at =
            |quarter: usize| samples.get(samples.len().saturating_sub(1) * quarter / 4).copied().unwrap_or_default();
        Self { lower: at(1), median: at(2), upper: at(3) }
    }
}

/// What one run of some work takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// By the clock on the wall.
    pub wall: Spread,
    /// Of processors, of all threads of the process.
    pub processor: Spread,
}

/// Some work that can be done again and again.
pub type Work<'a> = Box<dyn FnMut() + 'a>;

/// What each of `works` costs, measured in rounds in which each has its turn.
pub fn interleaved(effort: Effort, mut works: Vec<Work<'_>>) -> Vec<Cost> {
    let repeats: Vec<u32> = works.iter_mut().map(|work| repeats(effort, work)).collect();
    let mut samples = vec![(Vec::new(), Vec::new()); works.len()];
    let started = Instant::now();
    for round in 0..effort.rounds {
        if round >= 3 && started.elapsed() > effort.most {
            break;
        }
        for turn in 0..works.len() {
            // Who comes first in a round changes.
            let which = (turn + round) % works.len();
            let (wall, processor) = turn_of(&mut works[which], repeats[which]);
            samples[which].0.push(wall);
            samples[which].1.push(processor);
        }
    }
    samples
        .into_iter()
        .map(|(wall, processor)| Cost { wall: Spread::of(wall), processor: Spread::of(processor) })
        .collect()
}

/// How often work has to be repeated to fill a turn; it warms up meanwhile.
fn repeats(effort: Effort, work: &mut Work<'_>) -> u32 {
    if effort.is_tiny() {
        return 1;
    }
    work();
    let (once, _) = turn_of(work, 1);
    (effort.turn.as_secs_f64() / once).ceil().clamp(1.0, 10_000.0) as u32
}

/// Seconds on the wall and of processors, each for one time.
fn turn_of(work: &mut Work<'_>, times: u32) -> (f64, f64) {
    let (wall, processor) = (Instant::now(), ProcessTime::now());
    for _ in 0..times {
        work();
    }
    let each = f64::from(times);
    (wall.elapsed().as_secs_f64() / each, processor.elapsed().as_secs_f64() / each)
}
