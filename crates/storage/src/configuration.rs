//! A merchant's configuration: one row per thing, loaded and saved as one snapshot.

use domain::configuration::{
    Account, Algorithm, Billing, Campaign, CampaignProduct, Capabilities, CascadeProfile, Configuration,
    Gateway, GatewayProfile, Member, ProductKind, RecycleSlots, Target,
};
use domain::decline_map::{DeclineMap, MapOrders, MapScope};
use domain::declines::Class;
use domain::ids::{
    CampaignId, CampaignProductId, CascadeProfileId, DeclineMapId, GatewayId, GatewayProfileId, Id,
    MerchantId,
};
use domain::money::{Currency, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::{Statement, Step};
use crate::store::Store;
use crate::value::Row;

/// The statements of this module.
pub(crate) const ALL: &[&str] =
    &[UPSERT_ROW, DELETE_ROW, LIST_ROWS, FIND_VERSION, FIND_SEALED, RESEAL_CREDENTIALS];

const UPSERT_ROW: &str = "-- upsert_row
INSERT INTO configuration (merchant_id, resource, id, number, body, sealed, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT (merchant_id, resource, id) DO UPDATE
SET number = excluded.number,
    body = excluded.body,
    sealed = COALESCE(excluded.sealed, configuration.sealed),
    updated_at = excluded.updated_at";

const DELETE_ROW: &str = "-- delete_row
DELETE FROM configuration
WHERE merchant_id = $1
    AND resource = $2
    AND id = $3";

const LIST_ROWS: &str = "-- list_rows
SELECT resource, id, number, body, created_at
FROM configuration
WHERE merchant_id = $1
ORDER BY resource, number";

const FIND_VERSION: &str = "-- find_version
SELECT config_version
FROM merchants
WHERE id = $1";

const FIND_SEALED: &str = "-- find_sealed
SELECT sealed
FROM configuration
WHERE merchant_id = $1
    AND resource = 'gateway'
    AND id = $2";

const RESEAL_CREDENTIALS: &str = "-- reseal_credentials
UPDATE configuration
SET sealed = $3
WHERE merchant_id = $1
    AND resource = 'gateway'
    AND id = $2";

/// Replaces a gateway's sealed credentials after a key rotation.
pub fn reseal(merchant_id: MerchantId, id: GatewayId, sealed: Vec<u8>) -> Step {
    Step::one(RESEAL_CREDENTIALS, vec![merchant_id.into(), id.into(), sealed.into()])
}

#[derive(Serialize, Deserialize)]
struct AccountBody {
    title: String,
    time_zone: String,
    test_cards: Vec<String>,
    cascade_all_takes_insufficient_funds: bool,
    checkout_budget_secs: i64,
}

#[derive(Serialize, Deserialize)]
struct Amount {
    minor: i64,
    currency: String,
}

impl Amount {
    fn of(money: Money) -> Self {
        Self { minor: money.minor(), currency: money.currency().code().to_owned() }
    }

    fn money(&self) -> Option<Money> {
        Currency::parse(&self.currency).map(|currency| Money::new(self.minor, currency))
    }
}

#[derive(Serialize, Deserialize)]
struct GatewayBody {
    kind: String,
    title: String,
    enabled: bool,
    settings: BTreeMap<String, String>,
    direct_cascade: Option<Uuid>,
    monthly_cap: Option<Amount>,
    cascade_all: bool,
}

#[derive(Serialize, Deserialize)]
struct MemberBody {
    gateway: Uuid,
    weight: i64,
    stars: i64,
    monthly_cap: Option<Amount>,
    max_total_declines: Option<i64>,
    max_hard_declines: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ProfileBody {
    title: String,
    algorithm: String,
    members: Vec<MemberBody>,
    cascade: Option<Uuid>,
    max_steps: i64,
}

#[derive(Serialize, Deserialize)]
struct MapBody {
    gateway: Option<Uuid>,
    kind: Option<String>,
    orders: String,
    fragment: String,
    class: String,
    text: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct CampaignBody {
    title: String,
    currency: String,
    single_transaction: bool,
    products: Vec<ProductBody>,
}

#[derive(Serialize, Deserialize)]
struct ProductBody {
    id: Uuid,
    number: i64,
    name: String,
    sku: String,
    kind: String,
    billing: String,
    price: Amount,
    shipping: Amount,
    is_shippable: bool,
    gateway: Option<Uuid>,
    profile: Option<Uuid>,
}

fn upsert(
    merchant_id: MerchantId,
    resource: &str,
    id: Uuid,
    number: i64,
    body: &impl Serialize,
    sealed: Option<Vec<u8>>,
    at: Timestamp,
) -> Step {
    let body = serde_json::to_string(body).unwrap_or_default();
    Step::one(
        UPSERT_ROW,
        vec![
            merchant_id.into(),
            resource.into(),
            id.into(),
            number.into(),
            body.into(),
            sealed.into(),
            at.into(),
        ],
    )
}

/// Removes one thing; `resource` is its table word, e.g. `gateway_profile`.
pub fn delete(merchant_id: MerchantId, resource: &str, id: Uuid) -> Step {
    Step::one(DELETE_ROW, vec![merchant_id.into(), resource.into(), id.into()])
}

/// Saves the account's settings.
pub fn save_account(merchant_id: MerchantId, account: &Account, at: Timestamp) -> Step {
    let body = AccountBody {
        title: account.title.clone(),
        time_zone: account.time_zone.clone(),
        test_cards: account.test_cards.clone(),
        cascade_all_takes_insufficient_funds: account.cascade_all_takes_insufficient_funds,
        checkout_budget_secs: account.checkout_budget_secs,
    };
    upsert(merchant_id, "account", merchant_id.uuid(), 0, &body, None, at)
}

/// Saves a gateway; `sealed` replaces its credentials when given.
pub fn save_gateway(
    merchant_id: MerchantId,
    gateway: &Gateway,
    sealed: Option<Vec<u8>>,
    at: Timestamp,
) -> Step {
    let body = GatewayBody {
        kind: gateway.kind.clone(),
        title: gateway.title.clone(),
        enabled: gateway.enabled,
        settings: gateway.settings.clone(),
        direct_cascade: gateway.direct_cascade.map(Id::uuid),
        monthly_cap: gateway.monthly_cap.map(Amount::of),
        cascade_all: gateway.cascade_all,
    };
    upsert(merchant_id, "gateway", gateway.id.uuid(), gateway.number, &body, sealed, at)
}

fn members(members: &[Member]) -> Vec<MemberBody> {
    let body = |member: &Member| MemberBody {
        gateway: member.gateway_id.uuid(),
        weight: member.weight,
        stars: member.stars,
        monthly_cap: member.monthly_cap.map(Amount::of),
        max_total_declines: member.max_total_declines,
        max_hard_declines: member.max_hard_declines,
    };
    members.iter().map(body).collect()
}

/// Saves a gateway profile.
pub fn save_gateway_profile(merchant_id: MerchantId, profile: &GatewayProfile, at: Timestamp) -> Step {
    let body = ProfileBody {
        title: profile.title.clone(),
        algorithm: profile.algorithm.as_str().to_owned(),
        members: members(&profile.members),
        cascade: profile.cascade.map(Id::uuid),
        max_steps: 1,
    };
    upsert(merchant_id, "gateway_profile", profile.id.uuid(), profile.number, &body, None, at)
}

/// Saves a cascade profile.
pub fn save_cascade_profile(merchant_id: MerchantId, profile: &CascadeProfile, at: Timestamp) -> Step {
    let body = ProfileBody {
        title: profile.title.clone(),
        algorithm: profile.algorithm.as_str().to_owned(),
        members: members(&profile.members),
        cascade: None,
        max_steps: profile.max_steps,
    };
    upsert(merchant_id, "cascade_profile", profile.id.uuid(), profile.number, &body, None, at)
}

/// Saves a decline map under a number.
pub fn save_decline_map(merchant_id: MerchantId, map: &DeclineMap, number: i64, at: Timestamp) -> Step {
    let (gateway, kind) = match &map.scope {
        MapScope::Gateway(id) => (Some(id.uuid()), None),
        MapScope::Kind(kind) => (None, Some(kind.clone())),
    };
    let body = MapBody {
        gateway,
        kind,
        orders: orders_word(map.orders).to_owned(),
        fragment: map.fragment.clone(),
        class: map.class.as_str().to_owned(),
        text: map.text.clone(),
    };
    upsert(merchant_id, "decline_map", map.id.uuid(), number, &body, None, at)
}

fn orders_word(orders: MapOrders) -> &'static str {
    match orders {
        MapOrders::All => "all",
        MapOrders::NewSales => "new_sales",
        MapOrders::Recurring => "recurring",
    }
}

/// Saves a campaign with its products.
pub fn save_campaign(merchant_id: MerchantId, campaign: &Campaign, at: Timestamp) -> Step {
    let product = |product: &CampaignProduct| ProductBody {
        id: product.id.uuid(),
        number: product.number,
        name: product.name.clone(),
        sku: product.sku.clone(),
        kind: product.kind.as_str().to_owned(),
        billing: product.billing.as_str().to_owned(),
        price: Amount::of(product.price),
        shipping: Amount::of(product.shipping),
        is_shippable: product.is_shippable,
        gateway: match product.target {
            Target::Gateway(id) => Some(id.uuid()),
            Target::Profile(_) => None,
        },
        profile: match product.target {
            Target::Gateway(_) => None,
            Target::Profile(id) => Some(id.uuid()),
        },
    };
    let body = CampaignBody {
        title: campaign.title.clone(),
        currency: campaign.currency.code().to_owned(),
        single_transaction: campaign.single_transaction,
        products: campaign.products.iter().map(product).collect(),
    };
    upsert(merchant_id, "campaign", campaign.id.uuid(), campaign.number, &body, None, at)
}

/// A kind that this build does not know can do nothing: its gateways are skipped at run time (R47).
const UNKNOWN_KIND: Capabilities = Capabilities {
    first_charge: false,
    cascade: false,
    recycle_slots: RecycleSlots::None,
    direct_rerun: false,
    needs_ip: false,
    asynchronous: false,
    inquire: false,
    fence: false,
    idempotent_replay: false,
    account_check: false,
    hold: false,
    void: false,
    refund: false,
    partial_refund: false,
};

impl Store {
    /// The version of a merchant's configuration; none when there is no such merchant.
    pub async fn find_config_version(&self, merchant_id: MerchantId) -> Result<Option<i64>, StoreError> {
        let row = self.query_one(Statement::new(FIND_VERSION, vec![merchant_id.into()])).await?;
        row.map(|row| row.int("config_version")).transpose()
    }

    /// The sealed credentials of a gateway.
    pub async fn find_sealed_credentials(
        &self,
        merchant_id: MerchantId,
        id: GatewayId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.query_one(Statement::new(FIND_SEALED, vec![merchant_id.into(), id.into()])).await?;
        row.map_or(Ok(None), |row| row.opt_bytes("sealed"))
    }

    /// A merchant's whole configuration; none when there is no such merchant. `capabilities` says what a kind can do.
    pub async fn find_configuration(
        &self,
        merchant_id: MerchantId,
        capabilities: &(dyn Fn(&str) -> Option<Capabilities> + Send + Sync),
    ) -> Result<Option<Configuration>, StoreError> {
        // The version is read first: rows may be newer than it, and an intent then reloads; never the other way round.
        let Some(version) = self.find_config_version(merchant_id).await? else { return Ok(None) };
        let mut configuration = Configuration { version, ..Configuration::empty(merchant_id) };
        for row in self.query(Statement::new(LIST_ROWS, vec![merchant_id.into()])).await? {
            add(&mut configuration, &row, capabilities)?;
        }
        configuration.decline_maps.sort_by_key(|map| map.created_at);
        Ok(Some(configuration))
    }
}

fn add(
    configuration: &mut Configuration,
    row: &Row,
    capabilities: &(dyn Fn(&str) -> Option<Capabilities> + Send + Sync),
) -> Result<(), StoreError> {
    let id: GatewayId = row.id("id")?;
    let (id, number, body) = (id.uuid(), row.int("number")?, row.text("body")?);
    let wrong = || StoreError::Inconsistent { table: "configuration", column: "body", id: id.to_string() };
    match row.text("resource")?.as_str() {
        "account" => {
            let body: AccountBody = serde_json::from_str(&body).map_err(|_| wrong())?;
            configuration.account = Account {
                title: body.title,
                time_zone: body.time_zone,
                test_cards: body.test_cards,
                cascade_all_takes_insufficient_funds: body.cascade_all_takes_insufficient_funds,
                checkout_budget_secs: body.checkout_budget_secs,
            };
        }
        "gateway" => {
            let body: GatewayBody = serde_json::from_str(&body).map_err(|_| wrong())?;
            configuration.gateways.push(Gateway {
                id: GatewayId::from_uuid(id),
                number,
                capabilities: capabilities(&body.kind).unwrap_or(UNKNOWN_KIND),
                kind: body.kind,
                title: body.title,
                enabled: body.enabled,
                settings: body.settings,
                direct_cascade: body.direct_cascade.map(CascadeProfileId::from_uuid),
                monthly_cap: amount(body.monthly_cap.as_ref()).map_err(|()| wrong())?,
                cascade_all: body.cascade_all,
            });
        }
        "gateway_profile" => {
            let body: ProfileBody = serde_json::from_str(&body).map_err(|_| wrong())?;
            configuration.gateway_profiles.push(GatewayProfile {
                id: GatewayProfileId::from_uuid(id),
                number,
                title: body.title,
                algorithm: Algorithm::parse(&body.algorithm).ok_or_else(wrong)?,
                members: read_members(&body.members).map_err(|()| wrong())?,
                cascade: body.cascade.map(CascadeProfileId::from_uuid),
            });
        }
        "cascade_profile" => {
            let body: ProfileBody = serde_json::from_str(&body).map_err(|_| wrong())?;
            configuration.cascade_profiles.push(CascadeProfile {
                id: CascadeProfileId::from_uuid(id),
                number,
                title: body.title,
                algorithm: Algorithm::parse(&body.algorithm).ok_or_else(wrong)?,
                members: read_members(&body.members).map_err(|()| wrong())?,
                max_steps: body.max_steps,
            });
        }
        "decline_map" => {
            let body: MapBody = serde_json::from_str(&body).map_err(|_| wrong())?;
            let map = read_map(DeclineMapId::from_uuid(id), body, row.at("created_at")?).ok_or_else(wrong)?;
            configuration.decline_maps.push(map);
        }
        "campaign" => {
            let body: CampaignBody = serde_json::from_str(&body).map_err(|_| wrong())?;
            let campaign = read_campaign(CampaignId::from_uuid(id), number, body).ok_or_else(wrong)?;
            configuration.campaigns.push(campaign);
        }
        _ => return Err(wrong()),
    }
    Ok(())
}

fn amount(body: Option<&Amount>) -> Result<Option<Money>, ()> {
    body.map(|amount| amount.money().ok_or(())).transpose()
}

fn read_members(bodies: &[MemberBody]) -> Result<Vec<Member>, ()> {
    let member = |body: &MemberBody| {
        Ok(Member {
            gateway_id: GatewayId::from_uuid(body.gateway),
            weight: body.weight,
            stars: body.stars,
            monthly_cap: amount(body.monthly_cap.as_ref())?,
            max_total_declines: body.max_total_declines,
            max_hard_declines: body.max_hard_declines,
        })
    };
    bodies.iter().map(member).collect()
}

fn read_map(id: DeclineMapId, body: MapBody, created_at: Timestamp) -> Option<DeclineMap> {
    let scope = match (body.gateway, body.kind) {
        (Some(gateway), _) => MapScope::Gateway(GatewayId::from_uuid(gateway)),
        (None, Some(kind)) => MapScope::Kind(kind),
        (None, None) => return None,
    };
    let orders = [MapOrders::All, MapOrders::NewSales, MapOrders::Recurring]
        .into_iter()
        .find(|one| orders_word(*one) == body.orders)?;
    Some(DeclineMap {
        id,
        scope,
        orders,
        fragment: body.fragment,
        class: Class::parse(&body.class)?,
        text: body.text,
        created_at,
    })
}

fn read_campaign(id: CampaignId, number: i64, body: CampaignBody) -> Option<Campaign> {
    let product = |body: ProductBody| {
        let target = match (body.gateway, body.profile) {
            (Some(gateway), _) => Target::Gateway(GatewayId::from_uuid(gateway)),
            (None, Some(profile)) => Target::Profile(GatewayProfileId::from_uuid(profile)),
            (None, None) => return None,
        };
        Some(CampaignProduct {
            id: CampaignProductId::from_uuid(body.id),
            number: body.number,
            name: body.name,
            sku: body.sku,
            kind: ProductKind::parse(&body.kind)?,
            billing: Billing::parse(&body.billing)?,
            price: body.price.money()?,
            shipping: body.shipping.money()?,
            is_shippable: body.is_shippable,
            target,
        })
    };
    Some(Campaign {
        id,
        number,
        title: body.title,
        currency: Currency::parse(&body.currency)?,
        single_transaction: body.single_transaction,
        products: body.products.into_iter().map(product).collect::<Option<Vec<_>>>()?,
    })
}
