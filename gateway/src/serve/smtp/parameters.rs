//! Parameters of MAIL and RCPT: read, and kept as written for the next hop.

/// What follows the path of MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// SIZE: octets that the client expects to send (RFC 1870).
    pub size: Option<u64>,
    /// BODY=8BITMIME: octets above 127 may follow (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub international: bool,
    /// RET, as written (RFC 3461, section 4.3).
    pub ret: Option<String>,
    /// ENVID, as written: xtext (RFC 3461, section 4.4).
    pub envid: Option<String>,
}

/// What follows the path of RCPT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParameters {
    /// NOTIFY, as written (RFC 3461, section 4.1).
    pub notify: Option<String>,
    /// ORCPT, as written: a type, `;` and xtext (RFC 3461, section 4.2), or an
    /// internationalised address (RFC 6533, section 3).
    pub orcpt: Option<String>,
}

/// Why parameters are refused.
#[derive(Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// A parameter that was not offered: 555 5.5.4.
    Unknown(String),
    /// A value that it cannot have, or a second one: 501 5.5.4.
    Value(&'static str),
}

impl MailParameters {
    /// Reads what follows the path. AUTH is understood and not kept (RFC 4954,
    /// section 5, lets a server that does not trust it do so).
    pub fn read(rest: &str) -> Result<Self, ParameterError> {
        let mut parameters = Self::default();
        let mut body = None;
        for (keyword, value) in words(rest)? {
            match (keyword.as_str(), value) {
                ("SIZE", Some(value)) => once("SIZE", &mut parameters.size, size(value))?,
                ("BODY", Some(value)) => once("BODY", &mut body, is_eight_bit(value))?,
                ("SMTPUTF8", None) => parameters.international = true,
                ("RET", Some(value)) => {
                    let known = ["FULL", "HDRS"].iter().any(|word| word.eq_ignore_ascii_case(value));
                    once("RET", &mut parameters.ret, known.then(|| value.to_owned()))?;
                }
                ("ENVID", Some(value)) => {
                    let sound = is_xtext(value) && (1..=100).contains(&value.len());
                    once("ENVID", &mut parameters.envid, sound.then(|| value.to_owned()))?;
                }
                ("AUTH", Some(value)) if is_xtext(value) => {}
                ("SIZE" | "BODY" | "SMTPUTF8" | "RET" | "ENVID" | "AUTH", _) => {
                    return Err(ParameterError::Value("a parameter of MAIL"));
                }
                _ => return Err(ParameterError::Unknown(keyword)),
            }
        }
        parameters.eight_bit = body.unwrap_or(false);
        Ok(parameters)
    }

    /// The same for what is confidential: a notification brings back the header
    /// at the most, and never the content (RFC 3461, section 4.3).
    pub fn discreet(&self) -> Self {
        Self { ret: Some("HDRS".to_owned()), ..self.clone() }
    }

    /// What is said of notifications, with a space before each parameter.
    pub fn dsn(&self) -> String {
        [said("RET", self.ret.as_deref()), said("ENVID", self.envid.as_deref())].concat()
    }
}

impl RcptParameters {
    /// Reads what follows the path.
    pub fn read(rest: &str) -> Result<Self, ParameterError> {
        let mut parameters = Self::default();
        for (keyword, value) in words(rest)? {
            match (keyword.as_str(), value) {
                ("NOTIFY", Some(value)) => {
                    once("NOTIFY", &mut parameters.notify, is_notify(value).then(|| value.to_owned()))?;
                }
                ("ORCPT", Some(value)) => {
                    once("ORCPT", &mut parameters.orcpt, is_original(value).then(|| value.to_owned()))?;
                }
                ("NOTIFY" | "ORCPT", None) => return Err(ParameterError::Value("a parameter of RCPT")),
                _ => return Err(ParameterError::Unknown(keyword)),
            }
        }
        Ok(parameters)
    }

    /// The same for a recipient of what is confidential: nobody is told that it
    /// was delivered. Who asked for nothing else hears of a failure instead, since
    /// silence told him of it before (RFC 3461, section 4.1).
    pub fn discreet(&self) -> Self {
        let notify = self.notify.as_deref().map(|asked| {
            let left: Vec<&str> = asked.split(',').filter(|word| !word.eq_ignore_ascii_case("SUCCESS")).collect();
            if left.is_empty() { "FAILURE".to_owned() } else { left.join(",") }
        });
        Self { notify, orcpt: self.orcpt.clone() }
    }

    /// What is said of notifications, with a space before each parameter.
    pub fn dsn(&self) -> String {
        [said("NOTIFY", self.notify.as_deref()), said("ORCPT", self.orcpt.as_deref())].concat()
    }
}

fn said(keyword: &str, value: Option<&str>) -> String {
    value.map(|value| format!(" {keyword}={value}")).unwrap_or_default()
}

/// `esmtp-keyword ["=" esmtp-value]`, each after a space; keywords in capitals.
fn words(rest: &str) -> Result<Vec<(String, Option<&str>)>, ParameterError> {
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(ParameterError::Value("a space after the path"));
    }
    let words = rest.split(' ').filter(|word| !word.is_empty());
    Ok(words
        .map(|word| match word.split_once('=') {
            Some((keyword, value)) => (keyword.to_ascii_uppercase(), Some(value)),
            None => (word.to_ascii_uppercase(), None),
        })
        .collect())
}

/// Two values of one parameter are two readings of one command.
fn once<T>(keyword: &'static str, place: &mut Option<T>, value: Option<T>) -> Result<(), ParameterError> {
    match (place.is_none(), value) {
        (true, Some(value)) => {
            *place = Some(value);
            Ok(())
        }
        _ => Err(ParameterError::Value(keyword)),
    }
}

/// `1*20DIGIT`.
fn size(value: &str) -> Option<u64> {
    let digits = (1..=20).contains(&value.len()) && value.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

/// BINARYMIME needs BDAT, which is not offered.
fn is_eight_bit(value: &str) -> Option<bool> {
    match () {
        () if value.eq_ignore_ascii_case("7BIT") => Some(false),
        () if value.eq_ignore_ascii_case("8BITMIME") => Some(true),
        () => None,
    }
}

/// NEVER, or some of SUCCESS, FAILURE and DELAY.
fn is_notify(value: &str) -> bool {
    let known = |word: &str| ["SUCCESS", "FAILURE", "DELAY"].iter().any(|known| known.eq_ignore_ascii_case(word));
    value.eq_ignore_ascii_case("NEVER") || value.split(',').all(known)
}

fn is_original(value: &str) -> bool {
    let Some((kind, address)) = value.split_once(';') else { return false };
    let sound = if kind.eq_ignore_ascii_case("utf-8") { is_international_text(address) } else { is_xtext(address) };
    let atom = !kind.is_empty() && kind.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    atom && sound && (1..=500).contains(&address.len())
}

/// `*( xchar / hexchar )` (RFC 3461, section 4).
pub fn is_xtext(text: &str) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let sound = match octet {
            b'+' => [octets.next(), octets.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'))),
            b'=' => false,
            _ => octet.is_ascii_graphic(),
        };
        if !sound {
            return false;
        }
    }
    true
}

/// `utf-8-addr-xtext` or `utf-8-addr-unitext` (RFC 6533, section 3): neither has
/// a space, a control, `+` or `=`.
fn is_international_text(text: &str) -> bool {
    text.chars().all(|c| !c.is_ascii() || c.is_ascii_graphic() && c != '+' && c != '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_mail_are_read_and_kept() {
        let read = MailParameters::read(" size=1000 BODY=8BITMIME SMTPUTF8  RET=hdrs ENVID=a+2Bb AUTH=<>").unwrap();
        let expected = MailParameters {
            size: Some(1000),
            eight_bit: true,
            international: true,
            ret: Some("hdrs".into()),
            envid: Some("a+2Bb".into()),
        };
        assert_eq!(read, expected);
        assert_eq!(MailParameters::read("").unwrap(), MailParameters::default());
        assert_eq!(MailParameters::read(" SIZE=99999999999999999999").unwrap().size, Some(u64::MAX));
    }

    #[test]
    fn parameters_of_rcpt_are_read_and_kept() {
        for (rest, notify, orcpt) in [
            (" NOTIFY=NEVER", Some("NEVER"), None),
            (
                " NOTIFY=success,DELAY ORCPT=rfc822;a+2Bb@c.example",
                Some("success,DELAY"),
                Some("rfc822;a+2Bb@c.example"),
            ),
            (" ORCPT=utf-8;\\x{451}@c.example", None, Some("utf-8;\\x{451}@c.example")),
            (" ORCPT=utf-8;ё@c.example", None, Some("utf-8;ё@c.example")),
        ] {
            let expected = RcptParameters { notify: notify.map(Into::into), orcpt: orcpt.map(Into::into) };
            assert_eq!(RcptParameters::read(rest), Ok(expected), "{rest}");
        }
    }

    #[test]
    fn t11_of_what_is_confidential_a_notification_tells_little() {
        for asked in [None, Some("FULL"), Some("HDRS")] {
            let asked = MailParameters { ret: asked.map(Into::into), envid: Some("x".into()), ..Default::default() };
            let expected = MailParameters { ret: Some("HDRS".into()), ..asked.clone() };
            assert_eq!(asked.discreet(), expected);
        }
        for (asked, left) in [
            (None, None),
            (Some("NEVER"), Some("NEVER")),
            (Some("success,DELAY"), Some("DELAY")),
            (Some("FAILURE,SUCCESS"), Some("FAILURE")),
            (Some("SUCCESS"), Some("FAILURE")),
        ] {
            let asked = RcptParameters { notify: asked.map(Into::into), orcpt: Some("rfc822;a@b.example".into()) };
            assert_eq!(asked.discreet(), RcptParameters { notify: left.map(Into::into), ..asked.clone() });
        }
    }

    #[test]
    fn what_was_not_offered_or_is_said_twice_is_refused() {
        for rest in
            ["SIZE=1", " SIZE=", " SIZE=-1", " SIZE", " SIZE=1 SIZE=1", " BODY=BINARYMIME", " RET=ALL", " SMTPUTF8=1"]
        {
            assert!(matches!(MailParameters::read(rest), Err(ParameterError::Value(_))), "{rest}");
        }
        for rest in [" ENVID=", " ENVID=a=b", " ENVID=+2b", " ENVID=+2", " AUTH", " BODY=8BITMIME BODY=7BIT"] {
            assert!(matches!(MailParameters::read(rest), Err(ParameterError::Value(_))), "{rest}");
        }
        for rest in
            [" NOTIFY=", " NOTIFY=NEVER,DELAY", " ORCPT=rfc822", " ORCPT=;a", " ORCPT=rfc822;a=b", " ORCPT=rfc822;"]
        {
            assert!(matches!(RcptParameters::read(rest), Err(ParameterError::Value(_))), "{rest}");
        }
        assert_eq!(MailParameters::read(" HOLDFOR=5"), Err(ParameterError::Unknown("HOLDFOR".into())));
        assert_eq!(RcptParameters::read(" x"), Err(ParameterError::Unknown("X".into())));
    }
}
