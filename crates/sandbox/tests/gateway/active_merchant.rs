//! Requests exactly as ActiveMerchant's NMI gateway writes them: field order and empty values included.

use crate::client::{Pairs, Reply, Server, pairs};

/// How the gem was set up.
#[derive(Clone, Copy)]
pub(crate) enum Login<'a> {
    Key(&'a str),
    Password(&'a str, &'a str),
}

pub(crate) const DEMO: Login<'static> = Login::Password("demo", "password");

/// What the gem charges.
#[derive(Clone, Copy)]
pub(crate) enum Payment<'a> {
    Card(&'a str),
    CardWithoutCvv(&'a str),
    Check,
    ApplePay,
    GooglePay,
    NetworkToken,
    Vault(&'a str),
}

/// Optional groups of fields, in the places where the gem puts them.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) orderid: String,
    pub(crate) invoice: Pairs,
    pub(crate) vault: Pairs,
    pub(crate) stored_credential: Pairs,
    pub(crate) customer: Pairs,
    pub(crate) rest: Pairs,
}

impl Options {
    pub(crate) fn order(orderid: &str) -> Self {
        Self { orderid: orderid.to_owned(), ..Self::default() }
    }
}

/// What the gem makes of a reply.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) success: bool,
    pub(crate) message: String,
    /// `<id>#<payment type>`.
    pub(crate) authorization: String,
    pub(crate) reply: Reply,
}

/// The gem's gateway object.
pub(crate) struct Gem<'a> {
    pub(crate) server: &'a Server,
    pub(crate) login: Login<'a>,
}

impl Gem<'_> {
    pub(crate) async fn purchase(&self, cents: u32, payment: Payment<'_>, options: &Options) -> Response {
        self.charge("sale", cents, payment, options).await
    }

    pub(crate) async fn authorize(&self, cents: u32, payment: Payment<'_>, options: &Options) -> Response {
        self.charge("auth", cents, payment, options).await
    }

    async fn charge(&self, kind: &str, cents: u32, payment: Payment<'_>, options: &Options) -> Response {
        let mut post = invoice(&amount(cents), options);
        post.extend(options.vault.clone());
        post.extend(payment_fields(payment));
        post.extend(options.stored_credential.clone());
        post.extend(customer());
        post.extend(options.customer.clone());
        post.extend(options.rest.clone());
        self.commit(Some(kind), post, "").await
    }

    pub(crate) async fn credit(&self, cents: u32, payment: Payment<'_>, options: &Options) -> Response {
        let mut post = invoice(&amount(cents), options);
        post.extend(payment_fields(payment));
        post.extend(customer());
        post.extend(options.rest.clone());
        self.commit(Some("credit"), post, "").await
    }

    pub(crate) async fn capture(&self, cents: u32, authorization: &str) -> Response {
        let (id, _) = authorization.split_once('#').unwrap_or((authorization, ""));
        let mut post = invoice(&amount(cents), &Options::default());
        post.push(("transactionid".to_owned(), id.to_owned()));
        self.commit(Some("capture"), post, "").await
    }

    pub(crate) async fn void(&self, authorization: &str) -> Response {
        let (id, kind) = authorization.split_once('#').unwrap_or((authorization, ""));
        self.commit(Some("void"), reference(id, kind), "").await
    }

    pub(crate) async fn refund(&self, cents: u32, authorization: &str) -> Response {
        let (id, kind) = authorization.split_once('#').unwrap_or((authorization, ""));
        let mut post = invoice(&amount(cents), &Options::default());
        post.extend(reference(id, kind));
        self.commit(Some("refund"), post, "").await
    }

    pub(crate) async fn verify(&self, payment: Payment<'_>, options: &Options) -> Response {
        let mut post = options.vault.clone();
        post.extend(payment_fields(payment));
        post.extend(customer());
        post.extend(options.rest.clone());
        self.commit(Some("validate"), post, "").await
    }

    pub(crate) async fn store(&self, payment: Payment<'_>) -> Response {
        let mut post = invoice("", &Options::default());
        post.extend(payment_fields(payment));
        post.extend(customer());
        self.commit(None, post, "add_customer").await
    }

    /// The gem takes every answer for good credentials but this exact text.
    pub(crate) async fn verify_credentials(&self) -> bool {
        self.void("0").await.message != "Authentication Failed"
    }

    async fn commit(&self, kind: Option<&str>, mut post: Pairs, vault: &str) -> Response {
        let payment = value(&post, "payment");
        if let Some(kind) = kind {
            post.extend(pairs(&[("type", kind)]));
        }
        if !vault.is_empty() {
            post.extend(pairs(&[("customer_vault", vault)]));
        }
        match self.login {
            Login::Key(key) => post.extend(pairs(&[("security_key", key)])),
            Login::Password(user, password) => {
                post.extend(pairs(&[("username", user), ("password", password)]));
            }
        }
        let reply = Reply::of(self.server.send(&post).await.unwrap()).await;
        let success = reply.is_approved();
        let id = if kind.is_none() { reply.get("customer_vault_id") } else { reply.id() };
        Response {
            success,
            message: if success { "Succeeded".to_owned() } else { reply.get("responsetext").to_owned() },
            authorization: format!("{id}#{payment}"),
            reply,
        }
    }
}

fn value(post: &Pairs, name: &str) -> String {
    post.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn amount(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn invoice(amount: &str, options: &Options) -> Pairs {
    let mut post = pairs(&[("amount", amount)]);
    let surcharge = options.invoice.iter().filter(|(name, _)| name == "surcharge").cloned();
    post.extend(surcharge);
    post.extend(pairs(&[
        ("orderid", &options.orderid),
        ("orderdescription", "Store purchase"),
        ("currency", "USD"),
    ]));
    post.extend(options.invoice.iter().filter(|(name, _)| name != "surcharge").cloned());
    post
}

fn payment_fields(payment: Payment<'_>) -> Pairs {
    let names = [("firstname", "Longbob"), ("lastname", "Longsen")];
    let mut post = Pairs::new();
    match payment {
        Payment::Card(number) | Payment::CardWithoutCvv(number) => {
            post.extend(pairs(&[("payment", "creditcard")]));
            post.extend(pairs(&names));
            post.extend(pairs(&[("ccnumber", number)]));
            if matches!(payment, Payment::Card(_)) {
                post.extend(pairs(&[("cvv", "917")]));
            }
            post.extend(pairs(&[("ccexp", "0927")]));
        }
        Payment::Check => {
            post.extend(pairs(&[("payment", "check")]));
            post.extend(pairs(&[
                ("firstname", "Jim"),
                ("lastname", "Smith"),
                ("checkname", "Jim Smith"),
                ("checkaba", "123123123"),
                ("checkaccount", "123123123"),
                ("account_holder_type", "personal"),
                ("account_type", "checking"),
                ("sec_code", "WEB"),
            ]));
        }
        Payment::ApplePay => post.extend(wallet(&[("eci", "5"), ("decrypted_applepay_data", "1")])),
        Payment::GooglePay => post.extend(wallet(&[("eci", "5"), ("decrypted_googlepay_data", "1")])),
        Payment::NetworkToken => {
            post.extend(pairs(&names));
            post.extend(pairs(&[("ccnumber", "4111111111111111"), ("ccexp", "0124")]));
            post.extend(pairs(&[("token_cryptogram", "EHuWW9PiBkWvqE5juRwDzAUFBAk=")]));
        }
        Payment::Vault(id) => {
            post.extend(pairs(&[("customer_vault_id", id.split('#').next().unwrap_or_default())]));
        }
    }
    post
}

fn wallet(rest: &[(&str, &str)]) -> Pairs {
    let mut post = pairs(&[
        ("ccnumber", "4111111111111111"),
        ("ccexp", "0124"),
        ("cavv", "EHuWW9PiBkWvqE5juRwDzAUFBAk="),
    ]);
    post.extend(pairs(rest));
    post
}

/// Nil options travel as empty values.
fn customer() -> Pairs {
    pairs(&[
        ("email", ""),
        ("ipaddress", ""),
        ("customer_id", ""),
        ("company", "Widgets Inc"),
        ("address1", "456 My Street"),
        ("address2", "Apt 1"),
        ("city", "Ottawa"),
        ("state", "ON"),
        ("country", "CA"),
        ("zip", "K1C2N6"),
        ("phone", "(555)555-5555"),
    ])
}

fn reference(id: &str, kind: &str) -> Pairs {
    let mut post = pairs(&[("transactionid", id)]);
    if !kind.is_empty() {
        post.extend(pairs(&[("payment", kind)]));
    }
    post
}
