//! A merchant with a random configuration.

use std::fmt::Write as _;

use platform::Credentials;

use crate::dice::Dice;

/// The pretend accounts of the shops' own acquirers, and the platform's.
pub(crate) const ACCOUNTS: [&str; 3] = ["primary", "second", "rescue"];
/// Number of the salvage gateway in every shop.
pub(crate) const SALVAGE: i64 = 2;
/// Numbers of the ordinary gateways, in the order of [`ACCOUNTS`].
pub(crate) const ORDINARY: [i64; 2] = [1, 3];
/// The campaign.
pub(crate) const CAMPAIGN: i64 = 100;
/// Products: one-time, on trial, every few weeks twice at the same price, in instalments.
pub(crate) const PRODUCTS: [i64; 5] = [7, 8, 9, 10, 11];
/// Products that make subscriptions.
pub(crate) const RECURRING: [i64; 4] = [8, 9, 10, 11];
/// The test key of an account of the acquirers.
pub(crate) fn security_key(account: &str) -> String {
    format!("sim-key-of-{account:-<20}")
}

/// A merchant's credentials at the platform; pretend money only.
pub(crate) fn credentials(serial: u32) -> Credentials {
    Credentials {
        app_key: format!("{serial:0>40}"),
        app_secret: format!("simulated-app-secret-{serial:0>10}"),
        mid: format!("7d1f0c52-6a0e-4b1c-9a53-{serial:012}"),
        site_id: format!("2b9e4d10-58c3-4f7a-8d21-{serial:012}"),
        environment_key: format!("simulated-environment-{serial:0>10}"),
        hmac_signing_key: platform::sandbox_credentials().hmac_signing_key,
    }
}

/// Whether an account's duplicate check compares order ids too, and whether it may be overridden.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Duplicates {
    pub(crate) by_order: bool,
    pub(crate) overridable: bool,
}

/// The configuration of a shop as a file.
pub(crate) fn configuration(dice: &Dice, serial: u32, duplicates: Duplicates) -> String {
    let mut text = String::new();
    account(&mut text, dice);
    gateways(&mut text, dice, serial, duplicates);
    profiles(&mut text, dice);
    recycling(&mut text, dice);
    maps(&mut text, dice);
    campaign(&mut text, dice);
    text
}

/// Writing to a string cannot fail.
macro_rules! add {
    ($text:expr, $($line:tt)*) => {{ let _ = writeln!($text, $($line)*); }};
}

fn account(text: &mut String, dice: &Dice) {
    let zone = dice.pick(&["America/New_York", "UTC", "Australia/Lord_Howe", "Europe/Berlin"]);
    add!(text, "[account]\ntitle = \"Shop\"\ntime_zone = \"{}\"", zone.unwrap_or(&"UTC"));
    add!(text, "checkout_budget_secs = {}", dice.between(20, 50));
    add!(text, "daily_rebill_time = \"{:02}:30\"", dice.below(24));
    for option in [
        "rebill_at_sale_time",
        "cancel_on_chargeback",
        "cancel_on_refund",
        "cascade_all_takes_insufficient_funds",
    ] {
        add!(text, "{option} = {}", dice.one_in(2));
    }
}

fn gateways(text: &mut String, dice: &Dice, serial: u32, duplicates: Duplicates) {
    for (number, account) in ORDINARY.iter().zip(ACCOUNTS) {
        add!(text, "[[gateways]]\nnumber = {number}\nkind = \"nmi\"\ntitle = \"{account}\"");
        if dice.one_in(3) {
            add!(text, "direct_cascade = 1");
        }
        add!(
            text,
            "settings = {{ base_url = \"http://127.0.0.1:8092\", security_key = \"{}\", duplicate_checks_order_id = {}, dup_seconds_allowed = {} }}",
            security_key(account),
            duplicates.by_order,
            duplicates.overridable,
        );
    }
    let own = credentials(serial);
    add!(text, "[[gateways]]\nnumber = {SALVAGE}\nkind = \"flexfactor\"\ntitle = \"Salvage\"");
    add!(text, "cascade_all = {}", dice.one_in(4));
    add!(
        text,
        "settings = {{ base_url = \"http://127.0.0.1:8091/v1/\", app_key = \"{}\", app_secret = \"{}\", mid = \"{}\", site_id = \"{}\", environment_key = \"{}\", hmac_signing_key = \"{}\", expiry_days = {}, include_chargebacks = {} }}",
        own.app_key,
        own.app_secret,
        own.mid,
        own.site_id,
        own.environment_key,
        own.hmac_signing_key,
        dice.between(1, 21),
        dice.one_in(2),
    );
}

fn profiles(text: &mut String, dice: &Dice) {
    let algorithm = dice.pick(&["priority_queue", "round_robin", "intelligent"]).unwrap_or(&"round_robin");
    add!(text, "[[gateway_profiles]]\nnumber = 1\ntitle = \"Sales\"\nalgorithm = \"{algorithm}\"");
    add!(
        text,
        "members = [{{ gateway = 1, max_total_declines = {} }}, {{ gateway = 3, stars = 2 }}]",
        dice.between(3, 9)
    );
    if !dice.one_in(4) {
        add!(text, "cascade = 1");
    }
    let algorithm = dice.pick(&["priority_queue", "round_robin"]).unwrap_or(&"round_robin");
    let members = dice.pick(&[
        "{ gateway = 2 }",
        "{ gateway = 3 }, { gateway = 2 }",
        "{ gateway = 2 }, { gateway = 3 }",
    ]);
    add!(text, "[[cascade_profiles]]\nnumber = 1\ntitle = \"Salvage\"\nalgorithm = \"{algorithm}\"");
    add!(text, "members = [{}]\nmax_steps = {}", members.unwrap_or(&"{ gateway = 2 }"), dice.between(1, 2));
}

fn recycling(text: &mut String, dice: &Dice) {
    for number in ORDINARY {
        if dice.one_in(6) {
            continue;
        }
        let kind = if dice.one_in(2) { "percent" } else { "flat" };
        add!(
            text,
            "[[recycle_profiles]]\nnumber = {number}\ntitle = \"Recycle {number}\"\nreduction_type = \"{kind}\""
        );
        add!(text, "gateways = [{number}]\nbill_on_saturday = {}", dice.one_in(5));
        add!(text, "hold_recycle_price = {}", dice.one_in(3));
        if dice.one_in(2) {
            add!(text, "minimum_price = {{ amount_minor = 500, currency = \"USD\" }}");
        }
        // The first one always runs: a profile without any is refused.
        let first = (true, format!("{{ days = {} }}", dice.between(1, 4)));
        let mut slots: Vec<(bool, String)> = vec![first];
        slots.extend((1..dice.between(1, 9)).map(|_| slot(dice)));
        let texts: Vec<&str> = slots.iter().map(|(_, text)| text.as_str()).collect();
        add!(text, "slots = [{}]", texts.join(", "));
        let has_final = dice.one_in(2);
        if has_final {
            add!(text, "final_slot = {{ days = {} }}", dice.between(1, 5));
        }
        // A gateway is named only where a slot runs.
        let runs = |from: usize| slots.iter().skip(from).take(3).any(|(runs, _)| *runs);
        for (place, is_run) in
            [("gateway_4_to_6", runs(3)), ("gateway_7_to_9", runs(6)), ("gateway_final", has_final)]
        {
            match dice.below(4) {
                0 => {}
                1 if is_run => add!(text, "{place} = 3"),
                _ if is_run => add!(text, "{place} = {SALVAGE}"),
                _ => {}
            }
        }
    }
}

/// Whether it runs, and its text.
fn slot(dice: &Dice) -> (bool, String) {
    let (days, skip) = (dice.between(1, 4), dice.one_in(6));
    let reduction = if dice.one_in(3) { dice.between(1, 10) } else { 0 };
    (!skip, format!("{{ days = {days}, reduction = {reduction}, skip = {skip} }}"))
}

fn maps(text: &mut String, dice: &Dice) {
    for (fragment, class) in
        [("do not honor", "hard"), ("pick up", "soft"), ("insufficient", "soft"), ("declined", "soft")]
    {
        if dice.one_in(4) {
            add!(
                text,
                "[[decline_maps]]\ngateway_kind = \"nmi\"\nfragment = \"{fragment}\"\nclass = \"{class}\""
            );
        }
    }
}

fn campaign(text: &mut String, dice: &Dice) {
    add!(text, "[[campaigns]]\nnumber = {CAMPAIGN}\ntitle = \"Tea\"\ncurrency = \"USD\"");
    add!(text, "disable_recycle_billing = {}", dice.one_in(10));
    let days = dice.between(7, 16);
    let plans = [
        "one_time;;".to_owned(),
        format!(
            "recurring;trial = \"{}\"\n;{{ delay_days = {days} }}, {{ delay_days = {}, price = {{ amount_minor = 2499, currency = \"USD\" }} }}",
            if dice.one_in(2) { "standard" } else { "accelerated" },
            days + 3
        ),
        format!("recurring;persistent_rebill_day = {}\n;{{ delay_days = {days} }}", dice.one_in(2)),
        format!("recurring;;{{ delay_days = {days} }}"),
        format!(
            "multi_pay;final_cycle = {}\nships_once = true\n;{{ delay_days = {} }}",
            dice.between(2, 4),
            dice.between(5, 14)
        ),
    ];
    for (number, plan) in PRODUCTS.iter().zip(plans) {
        let mut parts = plan.split(';');
        let (billing, terms, cycles) = (parts.next(), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        // Two subscriptions of one card may cost the same (M12, M36).
        let price = match number {
            9 | 10 => 1_999,
            8 => 495,
            _ => dice.between(1_000, 9_000),
        };
        add!(
            text,
            "[[campaigns.products]]\nnumber = {number}\nname = \"Product {number}\"\nbilling = \"{}\"",
            billing.unwrap_or("one_time")
        );
        add!(
            text,
            "price = {{ amount_minor = {price}, currency = \"USD\" }}\nis_shippable = {}",
            *number == 11 || dice.one_in(2)
        );
        match dice.below(3) {
            0 => add!(text, "gateway = {}", dice.pick(&ORDINARY).unwrap_or(&1)),
            _ => add!(text, "gateway_profile = 1"),
        }
        if !cycles.is_empty() {
            add!(text, "[campaigns.products.plan]\n{terms}cycles = [{cycles}]");
        }
    }
}
