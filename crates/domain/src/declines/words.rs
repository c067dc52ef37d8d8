//! The closed vocabularies of the decline tables.

/// An enum whose variants have one stored word each.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of its declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word that is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The value of that exact word; `None` for any other text.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// Our verdict on a refusal.
    Class {
        /// The same payment may pass later with the same credential.
        Soft = "soft",
        /// Not with this credential, or not without a person.
        Hard = "hard",
    }
}

words! {
    /// How the card network sees another attempt.
    NetworkClass {
        /// Visa category 1, Mastercard advice 03 or 21: never again with this credential.
        Never = "never",
        /// Visa category 2, Mastercard advice 02 or 24 to 30.
        Later = "later",
        /// Visa category 3, Mastercard advice 01 or 04: something in the request must change.
        FixData = "fix_data",
        /// Visa category 4.
        Generic = "generic",
        /// Decided by the advice code that came with it.
        ByMac = "by_mac",
        /// The network is not the one that refused.
        Own = "own",
    }
}

words! {
    /// May another attempt be scheduled without a person?
    Automatic {
        /// Yes.
        Yes = "yes",
        /// Few, and on the conditions of the reason's delay rule.
        Limited = "limited",
        /// Only at another gateway or merchant account.
        OtherRoute = "other_route",
        /// Only after the gateway said what became of the earlier attempt.
        AfterQuery = "after_query",
        /// No.
        No = "no",
    }
}

words! {
    /// What must change about the card data before another attempt.
    CredentialChange {
        /// Nothing.
        No = "no",
        /// The payer corrects what was entered.
        Reenter = "reenter",
        /// An account updater or the payer gives newer data of the same account.
        Update = "update",
        /// A new network or vault token for the same card.
        NewToken = "new_token",
        /// Another card.
        Replace = "replace",
        /// The payer agrees anew.
        NewAgreement = "new_agreement",
    }
}

words! {
    /// What the refusal says about fraud.
    FraudFlag {
        /// Nothing.
        None = "none",
        /// Someone suspects it.
        Suspected = "suspected",
        /// The issuer says so; other cards of the payer wait for a person too.
        Confirmed = "confirmed",
    }
}

words! {
    /// Advice whether a salvage gateway is likely to help. It never decides eligibility: the class after maps does.
    SalvageAdvice {
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
        /// After a person or a rule has looked.
        Review = "review",
        /// After the card data is renewed.
        AfterUpdate = "after_update",
        /// With authentication by the payer.
        With3ds = "with_3ds",
        /// With the card number in place of the token.
        WithPan = "with_pan",
        /// After the gateway said what happened.
        AfterQuery = "after_query",
    }
}

words! {
    /// What a scheduler does next.
    RetryClass {
        /// Technical: short backoff, another route if there is one.
        Immediate = "immediate",
        /// Unexplained refusal: one early attempt, then days.
        ShortWait = "short_wait",
        /// Wait for money.
        FundsWait = "funds_wait",
        /// Wait for the payer's next local day, week or month.
        LimitReset = "limit_reset",
        /// Advised to come later, without a date.
        LongWait = "long_wait",
        /// Tell the payer; resume on an event, not on a timer.
        CustomerAction = "customer_action",
        /// Resume on new card data.
        AfterUpdate = "after_update",
        /// Stop and tell the operator: the same request fails again.
        FixRequest = "fix_request",
        /// Another gateway or merchant account at once, else stop.
        OtherRoute = "other_route",
        /// Ask the gateway what happened, then read its answer.
        QueryFirst = "query_first",
        /// A person decides.
        ManualReview = "manual_review",
        /// End.
        Never = "never",
        /// Not a decline.
        None = "none",
    }
}

impl RetryClass {
    /// Does this class resume by a timer alone?
    pub const fn is_timed(self) -> bool {
        match self {
            Self::Immediate | Self::ShortWait | Self::FundsWait | Self::LimitReset | Self::LongWait => true,
            Self::CustomerAction
            | Self::AfterUpdate
            | Self::FixRequest
            | Self::OtherRoute
            | Self::QueryFirst
            | Self::ManualReview
            | Self::Never
            | Self::None => false,
        }
    }
}
