//! The card of an evaluate: from the request, or from under its token.

use domain::attempt::Initiator;
use domain::card::{CardNumber, Expiry, SecurityCode};
use domain::ids::{MerchantId, TokenId};
use storage::cards::Card;
use storage::platform::CardToken;

use crate::Platform;
use crate::answer::Refusal;
use crate::evaluate::read::{Asked, CardSource};

/// A card, ready to be charged.
#[derive(Debug, Clone)]
pub(crate) struct FoundCard {
    pub(crate) stored: Card,
    pub(crate) number: CardNumber,
    pub(crate) expiry: Expiry,
    /// The token it came by.
    pub(crate) token: Option<CardToken>,
    /// The code that came in the request.
    pub(crate) code: Option<SecurityCode>,
}

impl Platform {
    /// The card that is asked for. It takes no token's security code yet.
    pub(crate) async fn find_card(&self, mid: MerchantId, asked: &Asked) -> Result<FoundCard, Refusal> {
        match &asked.card {
            CardSource::Number(number, expiry, code) => Ok(FoundCard {
                stored: self.sealed_card(mid, number, *expiry)?,
                number: number.clone(),
                expiry: *expiry,
                token: None,
                code: code.clone().filter(|_| asked.initiator == Initiator::Customer),
            }),
            CardSource::Token(id, expiry) => self.card_of_token(mid, *id, *expiry).await?.ok_or_else(|| {
                Refusal::field("PaymentMethod.CardNumber", "The field CardNumber is not a known token.")
            }),
        }
    }

    async fn card_of_token(
        &self,
        mid: MerchantId,
        id: TokenId,
        expiry: Option<Expiry>,
    ) -> Result<Option<FoundCard>, Refusal> {
        let Some(token) = self.store().find_card_token(mid, id).await? else { return Ok(None) };
        let Some(stored) = self.store().find_card(mid, token.card_id).await? else { return Ok(None) };
        let Some(number) = self.open_card(&stored) else { return Ok(None) };
        let expiry = expiry.or_else(|| Expiry::parse_year_month(&token.expires).ok());
        Ok(expiry.map(|expiry| FoundCard { stored, number, expiry, token: Some(token), code: None }))
    }

    /// The security code for this one use: the request's, or the token's, which nobody gets again (M35). Never for a
    /// merchant's own charge.
    pub(crate) fn take_code(&self, initiator: Initiator, card: &FoundCard) -> Option<SecurityCode> {
        let kept = card.token.as_ref().and_then(|token| self.security_codes.take(token.id, self.now()));
        match initiator {
            Initiator::Customer => card.code.clone().or(kept),
            Initiator::Merchant => None,
        }
    }
}
