//! From what a gateway said to one [`Reading`], the most specific signal first.

use super::{
    advice::{Advice, STOPS},
    codes::{CodeFacts, lookup},
    reason::Reason,
    source::canonical_source,
    text_rules::{GENERAL, NMI_REJECTED, find_reason, reason_of_text},
    words::{Class, RetryClass},
};

/// Everything that came with a refusal, as received. It has no `Debug`: issuers' texts may carry personal data.
#[derive(Clone, Copy, Default)]
pub struct Signals<'a> {
    /// The card network's name, e.g. `"visa"`, in any case; `None`: not known.
    pub network: Option<&'a str>,
    /// The issuer's response (ISO 8583 field 39), e.g. `"51"`; a text after a colon is ignored (`"51 : Insufficient funds"`).
    pub network_code: Option<&'a str>,
    /// The network's or gateway's advice, e.g. Mastercard's `"03"`, Stripe's `"try_again_later"`.
    pub advice_code: Option<&'a str>,
    /// The gateway's kind or source, e.g. `"nmi"`; spellings as in [`canonical_source`].
    pub source: &'a str,
    /// The gateway's own code.
    pub code: &'a str,
    /// The gateway's text.
    pub text: &'a str,
}

/// The step that decided a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// 1: the outcome is not known, or the request repeated an earlier one; ask the gateway.
    QueryFirst,
    /// 2: the network, issuer or gateway said stop.
    Stop,
    /// 3: advice about the card data.
    FixAdvice,
    /// 3: advice, and nothing else was understood.
    AdviceOnly,
    /// 4: the network's own table.
    NetworkCode,
    /// 4: the base standard's table, for a network without one.
    BaseCode,
    /// 5: the gateway's table.
    GatewayCode,
    /// 5, 6: the gateway's table left it open, its text did not.
    GatewayText,
    /// 6: the text alone.
    Text,
    /// 7: nothing matched; count and report it.
    Unknown,
}

impl Rule {
    /// The name that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueryFirst => "query_first",
            Self::Stop => "stop",
            Self::FixAdvice => "fix_advice",
            Self::AdviceOnly => "advice_only",
            Self::NetworkCode => "network_code",
            Self::BaseCode => "base_code",
            Self::GatewayCode => "gateway_code",
            Self::GatewayText => "gateway_text",
            Self::Text => "text",
            Self::Unknown => "unknown",
        }
    }
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Our reason.
    pub reason: Reason,
    /// Our verdict: the reason's, whatever the source calls it.
    pub class: Class,
    /// What a scheduler does; may be stricter than the reason's own.
    pub retry_class: RetryClass,
    /// Visa category, 1 to 4, to count against; `None` on another network or when none applies.
    pub visa_category: Option<u8>,
    /// Minutes from the decline before which no attempt may be made, by advice or else by the reason; `None`: no timer
    /// leads to another attempt.
    pub earliest_delay_minutes: Option<i64>,
    /// The step that decided.
    pub rule: Rule,
}

/// A reading in the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) reason: Reason,
    pub(super) retry_class: RetryClass,
    pub(super) visa_category: Option<u8>,
    pub(super) delay_minutes: Option<i64>,
    pub(super) rule: Rule,
}

impl Base {
    pub(super) fn of_reason(reason: Reason, rule: Rule) -> Self {
        let facts = reason.facts();
        Self {
            reason,
            retry_class: facts.retry_class,
            visa_category: facts.implied_visa_category,
            delay_minutes: facts.earliest_delay_minutes,
            rule,
        }
    }

    /// `None` when the row is not a decline.
    fn of_row(row: &CodeFacts, rule: Rule) -> Option<Self> {
        let base = Self::of_reason(row.reason?, rule);
        Some(Self {
            retry_class: row.retry_class,
            visa_category: row.visa_category.or(base.visa_category),
            ..base
        })
    }
}

impl Signals<'_> {
    /// The source of our table that this gateway speaks.
    pub(super) fn known_source(&self) -> Option<&'static str> {
        canonical_source(self.source)
    }

    /// The network's own table, if it has one.
    pub(super) fn network_table(&self) -> Option<&'static str> {
        match self.network.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            Some("visa") => Some("visa"),
            Some("mastercard" | "mc" | "maestro") => Some("mastercard"),
            Some("amex" | "american express" | "americanexpress") => Some("amex"),
            Some(_) | None => None,
        }
    }

    /// Is the network named, but without a table of its own?
    pub(super) fn is_other_network(&self) -> bool {
        self.network.is_some_and(|name| !name.trim().is_empty()) && self.network_table().is_none()
    }

    fn may_be_visa(&self) -> bool {
        matches!(self.network_table(), None | Some("visa")) && !self.is_other_network()
    }

    fn gateway_row(&self) -> Option<&'static CodeFacts> {
        lookup(self.known_source()?, self.code.trim())
    }

    fn network_row(&self) -> Option<(&'static CodeFacts, Rule)> {
        let code = self.network_code?.split(':').next()?.trim().to_ascii_uppercase();
        let own = self.network_table().and_then(|table| lookup(table, &code));
        own.map(|row| (row, Rule::NetworkCode))
            .or_else(|| lookup("iso8583", &code).map(|row| (row, Rule::BaseCode)))
    }
}

/// Reads a refusal. `None`: the code is known and is not a decline (approved, held for review), so nothing is to be recovered.
///
/// The steps: in doubt or a duplicate; stop; the network's code, unless it is generic and the gateway's is not; the
/// gateway's code, refined by its text where the code leaves it open; the text; the advice alone; unknown.
/// Advice then replaces the delay, or names the data to renew.
pub fn classify(signals: &Signals<'_>) -> Option<Reading> {
    let gateway_row = signals.gateway_row();
    let gateway = match gateway_row {
        Some(row) => Some(read_gateway(row, signals.text)?),
        None => None,
    };
    let network_row = signals.network_row();
    let network = network_row.and_then(|(row, rule)| Base::of_row(row, rule));
    let advice = Advice::find(signals, gateway_row);

    let unresolved =
        [gateway, network].into_iter().flatten().find(|base| base.retry_class == RetryClass::QueryFirst);
    let base = if let Some(base) = unresolved {
        Base { rule: Rule::QueryFirst, ..base }
    } else if let Some(base) = find_stop(advice, gateway, network) {
        base
    } else {
        let base = match (network, gateway) {
            (Some(network), Some(gateway)) if network.reason.is_generic() && !gateway.reason.is_generic() => {
                gateway
            }
            (Some(network), _) => network,
            (None, Some(gateway)) => gateway,
            (None, None) => read_rest(signals, advice, network_row.is_some())?,
        };
        let base = Base { visa_category: base.visa_category.filter(|_| signals.may_be_visa()), ..base };
        let advised = advice.map_or(base, |advice| advice.apply(base));
        heed_source(advised, gateway_row)
    };
    Some(Reading {
        reason: base.reason,
        class: base.reason.facts().class,
        retry_class: base.retry_class,
        visa_category: base.visa_category.filter(|_| signals.may_be_visa()),
        earliest_delay_minutes: base.delay_minutes,
        rule: base.rule,
    })
}

/// The gateway's row, refined by its text; `None` when the row is not a decline.
fn read_gateway(row: &'static CodeFacts, text: &str) -> Option<Base> {
    let base = Base::of_row(row, Rule::GatewayCode)?;
    let refined = match (row.source, row.code) {
        ("nmi", "300") => find_reason(NMI_REJECTED, text),
        ("nmi", "200" | "220" | "260") => text_beyond(base.reason, text),
        _ if base.reason == Reason::Unknown => text_beyond(base.reason, text),
        _ => None,
    };
    Some(refined.map_or(base, |reason| Base::of_reason(reason, Rule::GatewayText)))
}

/// What the text says more than `known`. It cannot put the outcome in doubt: the code beside it is an answer.
fn text_beyond(known: Reason, text: &str) -> Option<Reason> {
    let reason = reason_of_text(text)?;
    let vague = matches!(reason, Reason::GenericDecline | Reason::InDoubt);
    let vaguer = reason.is_generic() && !known.is_generic();
    (!vague && !vaguer).then_some(reason)
}

/// The strongest stop among advice, gateway and network.
fn find_stop(advice: Option<Advice>, gateway: Option<Base>, network: Option<Base>) -> Option<Base> {
    let advised = match advice {
        Some(Advice::Stop(row)) => Base::of_row(row, Rule::Stop),
        Some(
            Advice::Wait { .. }
            | Advice::NewData(_)
            | Advice::NewToken(_)
            | Advice::CheckData(_)
            | Advice::Remark(_),
        )
        | None => None,
    };
    let found = [network, gateway, advised];
    STOPS
        .iter()
        .find_map(|stop| found.into_iter().flatten().find(|base| base.reason == *stop))
        .map(|base| Base { rule: Rule::Stop, ..base })
}

/// Neither the network's nor the gateway's code named a decline. `None` when the network approved and nothing contradicts it.
fn read_rest(signals: &Signals<'_>, advice: Option<Advice>, network_approved: bool) -> Option<Base> {
    if let Some(reason) = find_reason(GENERAL, signals.text) {
        return Some(Base::of_reason(reason, Rule::Text));
    }
    if network_approved {
        return None;
    }
    let advised = advice.and_then(|advice| Base::of_row(advice.row(), Rule::AdviceOnly));
    Some(advised.unwrap_or_else(|| Base::of_reason(Reason::Unknown, Rule::Unknown)))
}

/// Where the gateway calls a refusal final that we call soft, no timer may bring it back to the same route.
fn heed_source(base: Base, gateway: Option<&CodeFacts>) -> Base {
    let says_hard = gateway.is_some_and(CodeFacts::source_says_hard);
    if says_hard && base.retry_class.is_timed() {
        return Base { retry_class: RetryClass::CustomerAction, ..base };
    }
    base
}
