//! What the guest asks but for keys: `trust`, `policy`, `harvest`, `clock`,
//! `entropy`, `audit`.

use wasmtime::Result;

use crate::bindings::wasmime::filter::{audit, clock, entropy, harvest, policy, trust};
use crate::call::Call;
use crate::event::{Event, number};
use crate::stop::Stop;
use crate::{EventField, InboundPolicy, OutboundPolicy, Refusal, Severity};

impl trust::Host for Call {
    fn anchors(&mut self) -> Result<Result<Vec<Vec<u8>>, Refusal>> {
        self.called()?;
        Ok(self.ask_refusable("trust", self.tenant.trust.waits(), |tenant| tenant.trust.anchors())?)
    }

    fn intermediates(&mut self) -> Result<Result<Vec<Vec<u8>>, Refusal>> {
        self.called()?;
        Ok(self.ask_refusable("trust", self.tenant.trust.waits(), |tenant| tenant.trust.intermediates())?)
    }

    fn revocation_lists(&mut self, issuer: Vec<u8>) -> Result<Result<Vec<Vec<u8>>, Refusal>> {
        self.called()?;
        Ok(self
            .ask_refusable("trust", self.tenant.trust.waits(), move |tenant| tenant.trust.revocation_lists(&issuer))?)
    }
}

impl policy::Host for Call {
    fn outbound(&mut self, recipient: String) -> Result<OutboundPolicy> {
        self.called()?;
        Ok(self.ask("policy", self.tenant.policies.waits(), move |tenant| tenant.policies.outbound(&recipient))?)
    }

    fn inbound(&mut self, recipient: String) -> Result<InboundPolicy> {
        self.called()?;
        Ok(self.ask("policy", self.tenant.policies.waits(), move |tenant| tenant.policies.inbound(&recipient))?)
    }
}

impl harvest::Host for Call {
    fn offer(
        &mut self,
        owner: String,
        certificate: Vec<u8>,
        chain: Vec<Vec<u8>>,
        capabilities: Option<Vec<u8>>,
    ) -> Result<()> {
        self.called()?;
        self.counts.offers += 1;
        if self.counts.offers > self.tenant.limits.offers {
            let limit = self.tenant.limits.offers as u64;
            self.events.report(&self.tenant.limits, Severity::Warning, "offer-dropped", vec![number("limit", limit)]);
            return Ok(());
        }
        let offered = self.ask("harvest", self.tenant.harvest.waits(), move |tenant| {
            tenant.harvest.offer(&owner, &certificate, &chain, capabilities.as_deref());
        });
        match offered {
            // To learn from a message matters less than to deliver it.
            Err(stop @ Stop::ServiceSilent(_)) => {
                self.events.add(Event::new(
                    Severity::Warning,
                    stop.cause(),
                    vec![crate::event::text("service", "harvest")],
                ));
                Ok(())
            }
            other => Ok(other?),
        }
    }
}

impl clock::Host for Call {
    fn now(&mut self) -> Result<u64> {
        self.called()?;
        Ok(self.now)
    }
}

impl entropy::Host for Call {
    fn draw(&mut self, len: u32) -> Result<Vec<u8>> {
        self.called()?;
        self.counts.entropy += u64::from(len);
        if self.counts.entropy > self.tenant.limits.entropy {
            return Err(Stop::Entropy.into());
        }
        let drawn = self.tenant.entropy.draw(len).map_err(|_| Stop::NoEntropy)?;
        // A short draw would be filled up by somebody with something.
        if drawn.len() == len as usize { Ok(drawn) } else { Err(Stop::NoEntropy.into()) }
    }
}

impl audit::Host for Call {
    fn report(&mut self, severity: Severity, event: String, fields: Vec<EventField>) -> Result<()> {
        self.called()?;
        self.events.report(&self.tenant.limits, severity, &event, fields);
        Ok(())
    }
}
