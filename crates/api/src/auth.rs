//! Users of the CRM-compatible API: `loginId` and `password` in every call, and the addresses they may call from.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use aws_lc_rs::hmac;
use domain::ids::MerchantId;
use domain::placement::Problem;
use hub::Hub;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use storage::users::{self, ApiUser};
use storage::{StoreError, Transaction};
use thiserror::Error;
use tokio::sync::Semaphore;
use web::AllowList;
use web::ip_allow::Network;

/// Most characters of a login.
pub const LOGIN_CHARS_MAX: usize = 32;
/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Most characters of a password: the limit of the CRM's API.
pub const PASSWORD_CHARS_MAX: usize = 32;
/// How long a verified password is remembered in memory, seconds: Argon2 is slow on purpose.
const REMEMBERED_SECS: i64 = 300;
/// Most verified passwords remembered at once.
const REMEMBERED_MAX: usize = 1_024;
/// Most passwords hashed at once: each takes 19 MiB.
const HASHED_AT_ONCE_MAX: usize = 2;
const SALT_BYTES: usize = 16;
/// Checked when there is no such user, so that the answer takes as long; the parameters are those of [`Argon2::default`].
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$ZGVjb3lkZWNveWRlY295$ZGVjb3lkZWNveWRlY295ZGVjb3lkZWNveWRlY295ZGU";

/// Why a user was not saved.
#[derive(Debug, Error)]
pub enum SaveUserError {
    /// Fields are wrong; nothing was saved.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// Another merchant has a user with this login.
    #[error("this login is taken; choose another one")]
    Taken,
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a user of the CRM-compatible API, or changes the password and the addresses of one. `ip_allow` holds addresses
/// and networks; an empty list allows this machine only.
pub async fn save_api_user(
    hub: &Hub,
    merchant_id: MerchantId,
    login: &str,
    password: &SecretString,
    ip_allow: &[String],
) -> Result<(), SaveUserError> {
    let problems = check(login, password.expose_secret(), ip_allow);
    if !problems.is_empty() {
        return Err(SaveUserError::Invalid(problems));
    }
    let mut salt = [0_u8; SALT_BYTES];
    hub.minter().entropy().fill(&mut salt);
    let password = password.clone();
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
    });
    let password_hash = match hashed.await {
        Ok(Ok(hash)) => hash.to_string(),
        Ok(Err(error)) => return Err(SaveUserError::Hash(error.to_string())),
        Err(error) => return Err(SaveUserError::Hash(error.to_string())),
    };
    let user = ApiUser {
        id: hub.minter().mint(),
        merchant_id,
        login: login.to_owned(),
        password_hash,
        ip_allow: serde_json::json!(ip_allow).to_string(),
    };
    let step = users::upsert(&user, hub.minter().now());
    match hub.store().commit(Transaction::new("save_api_user").with(step)).await {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict { .. }) => Err(SaveUserError::Taken),
        Err(error) => Err(error.into()),
    }
}

fn check(login: &str, password: &str, ip_allow: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let printable = |text: &str| text.chars().all(|one| !one.is_control() && !one.is_whitespace());
    if !(1..=LOGIN_CHARS_MAX).contains(&login.chars().count()) || !printable(login) {
        let words = format!("a login has 1 to {LOGIN_CHARS_MAX} characters and no blanks");
        problems.push(Problem::new("login", words));
    }
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&password.chars().count()) || !printable(password)
    {
        let words =
            format!("a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters and no blanks");
        problems.push(Problem::new("password", words));
    }
    if password.contains('&') {
        problems.push(Problem::new("password", "a password has no &: it would end a form's field"));
    }
    for (at, entry) in ip_allow.iter().enumerate() {
        if let Err(error) = entry.parse::<Network>() {
            problems.push(Problem::new(format!("ip_allow[{at}]"), error.to_string()));
        }
    }
    problems
}

/// Why a call was not let in.
#[derive(Debug, Error)]
pub enum Refusal {
    /// No such user, or another password.
    #[error("Invalid credentials")]
    Unknown,
    /// The user may not call from there.
    #[error("IP must be whitelisted - {0}")]
    Address(IpAddr),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lets users in. A password that was verified is remembered for five minutes, as a keyed hash over login, password
/// and the stored hash: a changed password or a removed user is noticed at once.
#[derive(Debug)]
pub struct Users {
    hub: Hub,
    key: hmac::Key,
    remembered: Mutex<HashMap<Vec<u8>, Timestamp>>,
    hashing: Semaphore,
}

impl Users {
    /// The users of a hub.
    pub fn new(hub: Hub) -> Self {
        let mut key = [0_u8; 32];
        hub.minter().entropy().fill(&mut key);
        Self {
            hub,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            remembered: Mutex::default(),
            hashing: Semaphore::new(HASHED_AT_ONCE_MAX),
        }
    }

    /// The user of a call; an unknown login takes as long as a wrong password.
    pub async fn let_in(&self, login: &str, password: &str, caller: IpAddr) -> Result<ApiUser, Refusal> {
        let user = self.hub.store().find_api_user(login).await?;
        let hash = user.as_ref().map_or(DECOY, |user| user.password_hash.as_str());
        let is_right = self.is_right(login, password, hash).await;
        match user {
            Some(user) if is_right && is_allowed(&user.ip_allow, caller) => Ok(user),
            Some(_) if is_right => Err(Refusal::Address(caller)),
            Some(_) | None => Err(Refusal::Unknown),
        }
    }

    async fn is_right(&self, login: &str, password: &str, hash: &str) -> bool {
        let mark = self.mark(&[login, password, hash]);
        if self.is_remembered(&mark) {
            return true;
        }
        let Ok(_permit) = self.hashing.acquire().await else { return false };
        // Another call with the same password may have been verified while this one waited.
        if self.is_remembered(&mark) {
            return true;
        }
        let (password, hash) = (SecretString::from(password), hash.to_owned());
        let verified = tokio::task::spawn_blocking(move || {
            Argon2::default().verify_password(password.expose_secret().as_bytes(), hash.as_str()).is_ok()
        });
        let is_right = verified.await.unwrap_or(false);
        if is_right {
            self.remember(mark);
        }
        is_right
    }

    fn mark(&self, parts: &[&str]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(part.as_bytes());
            // A byte that no text of UTF-8 holds keeps the parts apart.
            context.update(&[0xFF]);
        }
        context.sign().as_ref().to_vec()
    }

    fn is_remembered(&self, mark: &[u8]) -> bool {
        let now = self.hub.minter().now();
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(mark).is_some_and(|until| now < *until)
    }

    fn remember(&self, mark: Vec<u8>) {
        let now = self.hub.minter().now();
        let until = now.saturating_add(SignedDuration::from_secs(REMEMBERED_SECS)).unwrap_or(Timestamp::MAX);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.retain(|_, until| now < *until);
        }
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(mark, until);
    }
}

/// Whether a stored list allows an address. An empty one, or one that cannot be read, allows this machine only.
fn is_allowed(stored: &str, caller: IpAddr) -> bool {
    let entries: Vec<String> = serde_json::from_str(stored).unwrap_or_default();
    let list: AllowList = entries.iter().filter_map(|entry| entry.parse::<Network>().ok()).collect();
    if list.is_empty() { caller.to_canonical().is_loopback() } else { list.allows(caller) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_decoy_is_a_hash_that_no_password_fits_and_costs_as_much_as_a_real_one() {
        let real =
            Argon2::default().hash_password_with_salt(b"password", &[7; SALT_BYTES]).unwrap().to_string();
        let parameters = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(DECOY), parameters(&real));
        let error = Argon2::default().verify_password(b"password", DECOY).unwrap_err();
        assert_eq!(
            error.to_string(),
            Argon2::default().verify_password(b"x", real.as_str()).unwrap_err().to_string()
        );
    }

    #[rstest]
    #[case("[]", "127.0.0.1", true)]
    #[case("[]", "::1", true)]
    #[case("[]", "::ffff:127.0.0.1", true)]
    #[case("[]", "192.0.2.7", false)]
    #[case("[\"192.0.2.0/24\"]", "192.0.2.7", true)]
    #[case("[\"192.0.2.0/24\"]", "127.0.0.1", false)]
    #[case("broken", "192.0.2.7", false)]
    fn an_empty_list_allows_this_machine_only(
        #[case] stored: &str,
        #[case] caller: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(is_allowed(stored, caller.parse().unwrap()), expected);
    }

    #[test]
    fn a_login_and_a_password_fit_a_form() {
        let fields = |login: &str, password: &str, ip_allow: &[&str]| {
            let ip_allow: Vec<String> = ip_allow.iter().map(|one| (*one).to_owned()).collect();
            check(login, password, &ip_allow).into_iter().map(|one| one.field).collect::<Vec<_>>()
        };
        assert!(fields("shop", "correct-horse", &["192.0.2.7", "2001:db8::/32"]).is_empty());
        assert_eq!(fields("", "short", &["192.0.2"]), ["login", "password", "ip_allow[0]"]);
        assert_eq!(fields(&"x".repeat(33), &"y".repeat(33), &[]), ["login", "password"]);
        assert_eq!(fields("shop", "correct&horse", &[]), ["password"]);
    }
}
