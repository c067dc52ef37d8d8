//! Our reading of a gateway's refusal.

use domain::attempt::{Attempt, Decline, Lapse, LapseCause, Outcome, RawDecline, Route};
use domain::configuration::Configuration;
use domain::decline_map::apply_maps;
use domain::declines::{Signals, classify};

/// Our reading of a refusal under a merchant's maps.
pub(crate) fn read_decline(configuration: &Configuration, attempt: &Attempt, raw: RawDecline) -> Outcome {
    let signals = Signals {
        network: None,
        network_code: raw.network_code.as_deref(),
        advice_code: raw.advice_code.as_deref(),
        source: &attempt.gateway_kind,
        code: &raw.code,
        text: &raw.text,
    };
    let unknown =
        Signals { network: None, network_code: None, advice_code: None, source: "", code: "", text: "" };
    let Some(reading) = classify(&signals).or_else(|| classify(&unknown)) else {
        let text = "The gateway declined with a code that means approval.".to_owned();
        let lapse = Lapse { cause: LapseCause::Refused, reason: None, code: raw.code, text };
        return Outcome::NotExecuted(lapse);
    };
    let maps = &configuration.decline_maps;
    let kind = &attempt.gateway_kind;
    let recurring = matches!(attempt.route, Route::Rebill | Route::Recycle);
    let mapped = apply_maps(&reading, &raw.text, maps, attempt.gateway_id, kind, recurring);
    Outcome::Declined(Decline {
        text_shown: mapped.text.unwrap_or_else(|| raw.text.clone()),
        raw,
        reason: reading.reason,
        class_read: reading.class,
        class: mapped.class,
        map: mapped.map,
    })
}
