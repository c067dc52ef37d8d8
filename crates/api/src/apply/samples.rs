//! An example of a whole file, for the description.

use serde_json::json;

/// Examples for the description: a whole file.
pub(crate) fn samples() -> Vec<serde_json::Value> {
    vec![json!({
        "account": {"title": "Example Shop", "time_zone": "America/New_York", "daily_rebill_time": "09:00"},
        "gateways": [
            {
                "number": 1,
                "kind": "nmi",
                "title": "Main MID",
                "settings": {"base_url": "https://secure.nmi.com", "security_key": {"env": "NMI_SECURITY_KEY"}},
                "direct_cascade": 5
            },
            {
                "number": 17,
                "kind": "flexfactor",
                "title": "FlexFactor",
                "settings": {
                    "app_key": {"env": "FLEXFACTOR_APP_KEY"},
                    "app_secret": {"env": "FLEXFACTOR_APP_SECRET"},
                    "mid": "d7f3a9c0-0000-4000-8000-000000000001",
                    "site_id": "d7f3a9c0-0000-4000-8000-000000000002",
                    "environment_key": {"env": "FLEXFACTOR_TOKENIZATION_KEY"},
                    "hmac_signing_key": {"env": "FLEXFACTOR_SIGNING_KEY"},
                    "base_url": "https://api-sandbox.flexfactor.io/v1/"
                }
            }
        ],
        "cascade_profiles": [
            {"number": 5, "title": "Salvage", "algorithm": "priority_queue", "members": [{"gateway": 17}]}
        ],
        "recycle_profiles": [{
            "number": 1,
            "title": "Three tries, then salvage",
            "gateways": [1],
            "slots": [{"days": 3}, {"days": 4}, {"days": 7}, {"days": 7}],
            "gateway_4_to_6": 17
        }],
        "campaigns": [{
            "number": 100,
            "title": "Vitamins",
            "currency": "USD",
            "products": [{
                "number": 7,
                "name": "Vitamin C, 90 tablets",
                "price": {"amount_minor": 2999, "currency": "USD"},
                "is_shippable": true,
                "gateway": 1
            }, {
                "number": 8,
                "name": "Vitamin C, monthly, 14 days on trial",
                "billing": "recurring",
                "price": {"amount_minor": 495, "currency": "USD"},
                "is_shippable": true,
                "plan": {
                    "trial": "standard",
                    "cycles": [
                        {"delay_days": 14},
                        {"delay_days": 30, "price": {"amount_minor": 2999, "currency": "USD"}}
                    ]
                },
                "gateway": 1
            }]
        }]
    })]
}
