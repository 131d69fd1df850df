//! How much work one message may cause. Every reader counts down from here, so
//! that no structure, however nested, multiplies.

/// What is left of the work that one message may cause.
#[derive(Clone, Debug)]
pub struct Budget {
    layers: u32,
    parts: u32,
    fields: u32,
    signers: u32,
    recipients: u32,
    certificates: u32,
    path_steps: u32,
    name_comparisons: u32,
    octets: u64,
}

/// A limit that a message passed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// S/MIME layers around each other.
    Layers,
    /// MIME parts, of all layers together, or their nesting.
    Parts,
    /// Header fields.
    Fields,
    /// `SignerInfo`s.
    Signers,
    /// `RecipientInfo`s.
    Recipients,
    /// Certificates and revocation lists.
    Certificates,
    /// Signatures checked: those of signers, and those on paths to a trust
    /// anchor.
    PathSteps,
    /// Names held against name constraints.
    NameComparisons,
    /// Octets decoded, of all layers together.
    Octets,
}

impl Budget {
    /// Most S/MIME layers around each other.
    pub const LAYERS: u32 = 8;
    /// Most MIME parts of all layers together.
    pub const PARTS: u32 = 10_000;
    /// Deepest nesting of MIME entities.
    pub const MIME_DEPTH: u32 = 64;
    /// Most header fields of all entities that are looked into.
    pub const FIELDS: u32 = 20_000;
    /// Most `SignerInfo`s of all layers together.
    pub const SIGNERS: u32 = 32;
    /// Most `RecipientInfo`s of all layers together.
    pub const RECIPIENTS: u32 = 2_000;
    /// Most certificates of all layers together.
    pub const CERTIFICATES: u32 = 256;
    /// Most signatures checked.
    pub const PATH_STEPS: u32 = 100;
    /// Most comparisons of a name with a name constraint.
    pub const NAME_COMPARISONS: u32 = 250_000;
    /// Deepest nesting of ASN.1 values.
    pub const ASN1_DEPTH: u32 = 24;

    /// A full budget for a message of `len` octets.
    pub fn for_message(len: usize) -> Self {
        Self {
            layers: Self::LAYERS,
            parts: Self::PARTS,
            fields: Self::FIELDS,
            signers: Self::SIGNERS,
            recipients: Self::RECIPIENTS,
            certificates: Self::CERTIFICATES,
            path_steps: Self::PATH_STEPS,
            name_comparisons: Self::NAME_COMPARISONS,
            // Each layer decodes to less than it was, so all of them together
            // stay below eight times the message; small ones get some air.
            octets: (len as u64).saturating_mul(u64::from(Self::LAYERS)).saturating_add(1 << 20),
        }
    }

    /// Takes one S/MIME layer.
    pub fn layer(&mut self) -> Result<(), Limit> {
        take(&mut self.layers, Limit::Layers)
    }

    /// Takes one MIME part.
    pub fn part(&mut self) -> Result<(), Limit> {
        take(&mut self.parts, Limit::Parts)
    }

    /// Takes one header field.
    pub fn field(&mut self) -> Result<(), Limit> {
        take(&mut self.fields, Limit::Fields)
    }

    /// Takes one `SignerInfo`.
    pub fn signer(&mut self) -> Result<(), Limit> {
        take(&mut self.signers, Limit::Signers)
    }

    /// Takes one `RecipientInfo`.
    pub fn recipient(&mut self) -> Result<(), Limit> {
        take(&mut self.recipients, Limit::Recipients)
    }

    /// Takes one certificate or revocation list.
    pub fn certificate(&mut self) -> Result<(), Limit> {
        take(&mut self.certificates, Limit::Certificates)
    }

    /// Takes one signature check, of a signer or on the way to a trust anchor.
    pub fn path_step(&mut self) -> Result<(), Limit> {
        take(&mut self.path_steps, Limit::PathSteps)
    }

    /// Takes one comparison of a name with a name constraint.
    pub fn name_comparison(&mut self) -> Result<(), Limit> {
        take(&mut self.name_comparisons, Limit::NameComparisons)
    }

    /// How many octets decoding or decryption may still yield.
    pub fn octets_left(&self) -> usize {
        usize::try_from(self.octets).unwrap_or(usize::MAX)
    }

    /// Takes `len` octets that decoding or decryption is about to yield.
    pub fn octets(&mut self, len: usize) -> Result<(), Limit> {
        self.octets = self.octets.checked_sub(len as u64).ok_or(Limit::Octets)?;
        Ok(())
    }
}

fn take(left: &mut u32, limit: Limit) -> Result<(), Limit> {
    *left = left.checked_sub(1).ok_or(limit)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_run_out_after_eight() {
        let mut budget = Budget::for_message(0);
        for _ in 0..8 {
            assert_eq!(budget.layer(), Ok(()));
        }
        assert_eq!(budget.layer(), Err(Limit::Layers));
    }

    #[test]
    fn octets_grow_with_the_message_and_run_out() {
        let mut budget = Budget::for_message(1000);
        assert_eq!(budget.octets(8000 + (1 << 20)), Ok(()));
        assert_eq!(budget.octets(1), Err(Limit::Octets));
    }
}
