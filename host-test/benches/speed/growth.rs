//! How the cost of a message grows with what an attacker, or success, may make
//! large. Nothing may grow faster than in proportion.

use std::sync::Arc;

use host::memory::{FixedPolicies, MemoryTrust};
use host::{Content, Demand, Envelope, Order, Runtime, SignatureForm, Tenant, Verdict};

use crate::contenders::{Contender, Contenders, World};
use crate::measure::{Effort, interleaved};
use crate::people::{self, Cipher, Kind, People};
use crate::plot::{Line, Plot};
use crate::report::{Report, Table};

/// A curve: what grows, and what a message costs then, in milliseconds.
struct Curve {
    axis: &'static str,
    name: &'static str,
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// Of the last two points, by which power the cost grows: 1 is in proportion.
    fn power(&self) -> f64 {
        match self.points.as_slice() {
            [.., one, other] => (other.1 / one.1).ln() / (other.0 / one.0).ln(),
            _ => 0.0,
        }
    }
}

/// Measures all curves; the table, and the plots beside it.
pub fn run(contenders: &Contenders, effort: Effort, report: &Report) -> Result<String, String> {
    let effort = Effort { rounds: effort.rounds.min(9), ..effort };
    let bench = Bench { runtime: contenders.built_in(), effort };
    let curves = [
        bench.size("seal")?,
        bench.size("open")?,
        bench.recipients()?,
        bench.nesting()?,
        bench.tenants(),
        bench.certificates()?,
    ];
    let mut table =
        Table::new(&["what grows", "way"], &["from", "to", "ms at first", "ms at last", "power at the end"]);
    let mut text = String::new();
    for curve in &curves {
        let ends = curve.points.first().zip(curve.points.last());
        let ((from, at_first), (to, at_last)) = ends.ok_or("a curve without points")?;
        table.row(vec![
            curve.axis.to_owned(),
            curve.name.to_owned(),
            format!("{from:.0}"),
            format!("{to:.0}"),
            format!("{at_first:.3}"),
            format!("{at_last:.3}"),
            format!("{:.2}", curve.power()),
        ]);
    }
    for axis in ["octets", "recipients", "layers", "tenants", "certificates"] {
        let of_axis = curves.iter().filter(|curve| curve.axis == axis);
        let lines = of_axis.map(|curve| Line { name: curve.name.to_owned(), points: curve.points.clone() });
        let (title, x) = (format!("A message, by {axis}"), axis.to_owned());
        Plot { title, x, y: "milliseconds".to_owned(), lines: lines.collect() }.write(report, &format!("by-{axis}"))?;
        text.push_str(&format!("\n![by {axis}](performance/by-{axis}.svg)\n"));
    }
    Ok(format!(
        "## Growth\n\nThe accelerated component, RSA-2048, AES-256-CBC, messages of 4 KiB. A power of 1 is growth in \
         proportion; less is better.\n\n{table}{text}"
    ))
}

struct Bench<'a> {
    runtime: &'a Runtime,
    effort: Effort,
}

impl Bench<'_> {
    /// Milliseconds for one message.
    fn cost(&self, tenant: &Tenant, envelope: &Envelope, message: &[u8]) -> f64 {
        let run = || drop(self.runtime.run(tenant, envelope, message));
        interleaved(self.effort, vec![Box::new(run)])[0].wall.median * 1e3
    }

    fn size(&self, way: &'static str) -> Result<Curve, String> {
        let world = World::new(Kind::Rsa2048, Cipher::Cbc, 1);
        let sizes = (12..=24).step_by(2).map(|power| 1usize << power).filter(|octets| *octets <= self.effort.largest);
        let point = |octets| {
            let message = people::message(octets, 1);
            Ok((
                octets as f64,
                match way {
                    "seal" => self.cost(&world.tenant, &world.outbound, &message),
                    _ => self.cost(&world.tenant, &world.inbound, &world.seal(&Contender::Native, &message)?),
                },
            ))
        };
        Ok(Curve { axis: "octets", name: way, points: sizes.map(point).collect::<Result<_, String>>()? })
    }

    fn recipients(&self) -> Result<Curve, String> {
        let counts = [1, 2, 5, 10, 20, 50, 100].into_iter().take(if self.effort.is_tiny() { 2 } else { 7 });
        let point = |count| {
            let world = World::new(Kind::Rsa2048, Cipher::Cbc, count);
            Ok((count as f64, self.cost(&world.tenant, &world.outbound, &people::message(4 << 10, count))))
        };
        Ok(Curve { axis: "recipients", name: "seal", points: counts.map(point).collect::<Result<_, String>>()? })
    }

    /// Signatures around signatures, as many as are opened.
    fn nesting(&self) -> Result<Curve, String> {
        let mut policies = FixedPolicies::default();
        (policies.outbound.encrypt, policies.outbound.form) = (Demand::Never, SignatureForm::Detached);
        policies.outbound.order = Order::SignThenEncrypt;
        let tenant = Tenant { policies: Arc::new(policies), ..People::of(Kind::Rsa2048).tenant(Cipher::Cbc) };
        let mut message = people::message(4 << 10, 1);
        let mut points = Vec::new();
        for depth in 1..=8 {
            let sent = self.runtime.run(&tenant, &people::outbound(1), &message);
            message = host_test::sizes::delivered(&sent)?.to_vec();
            let received = self.runtime.run(&tenant, &people::inbound(), &message);
            if !is_rewritten(&received.verdict) {
                return Err(format!("{depth} signatures around each other are not opened: {:?}", received.events));
            }
            points.push((f64::from(depth), self.cost(&tenant, &people::inbound(), &message)));
        }
        Ok(Curve { axis: "layers", name: "open", points })
    }

    /// Tenants that take turns.
    fn tenants(&self) -> Curve {
        let counts = [1, 10, 100, 1000].into_iter().filter(|count| *count == 1 || *count <= self.effort.many);
        let message = people::message(4 << 10, 1);
        let point = |count: usize| {
            let tenants: Vec<Tenant> = (0..count).map(|_| People::of(Kind::Rsa2048).tenant(Cipher::Cbc)).collect();
            let mut turns = tenants.iter().cycle();
            let run = || {
                if let Some(tenant) = turns.next() {
                    drop(self.runtime.run(tenant, &people::outbound(1), &message));
                }
            };
            (count as f64, interleaved(self.effort, vec![Box::new(run)])[0].wall.median * 1e3)
        };
        Curve { axis: "tenants", name: "seal", points: counts.map(point).collect() }
    }

    /// Authorities and intermediates that the tenant knows.
    fn certificates(&self) -> Result<Curve, String> {
        let people = People::of(Kind::Rsa2048);
        let world = World::new(Kind::Rsa2048, Cipher::Cbc, 1);
        let sealed = world.seal(&Contender::Native, &people::message(4 << 10, 1))?;
        let counts = [1, 3, 10, 30, 100].into_iter().take(if self.effort.is_tiny() { 2 } else { 5 });
        let point = |count: usize| {
            let intermediates = people.recipients.iter().take(count).cloned().collect();
            let trust = MemoryTrust { anchors: vec![people.authority.clone()], intermediates };
            let tenant = Tenant { trust: Arc::new(trust), ..world.tenant.clone() };
            (count as f64, self.cost(&tenant, &world.inbound, &sealed))
        };
        Ok(Curve { axis: "certificates", name: "open", points: counts.map(point).collect() })
    }
}

fn is_rewritten(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Deliver(all) if all.iter().any(|one| matches!(one.content, Content::Rewritten(_))))
}
