//! What this provider can do wrong: one name for each fault, grouped by where it shows.
//!
//! Most are modules of the OpenID Foundation's conformance suite turned into switches: what a client has to notice there
//! it has to notice here. The names are those of the faults on the outside (`iss=wrong`).

/// Makes each group an enum, and one enum of all groups.
macro_rules! faults {
    ($(
        $(#[$about:meta])*
        $group:ident { $($(#[$doc:meta])* $fault:ident = $name:literal,)+ }
    )+) => {
        /// Something this provider does wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($(#[$about])* $group($group),)+ }

        impl Fault {
            /// Every fault there is.
            pub fn all() -> Vec<Self> {
                let mut all = Vec::new();
                $(all.extend($group::ALL.iter().copied().map(Self::$group));)+
                all
            }

            /// Its name, such as `iss=wrong`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$group(fault) => fault.name(),)+ }
            }
        }

        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum $group { $($(#[$doc])* $fault,)+ }

            impl $group {
                /// All of this group.
                pub const ALL: &'static [Self] = &[$(Self::$fault,)+];

                /// Its name.
                pub fn name(self) -> &'static str {
                    match self { $(Self::$fault => $name,)+ }
                }
            }

            impl From<$group> for Fault {
                fn from(fault: $group) -> Self {
                    Self::$group(fault)
                }
            }

            impl Group for $group {
                fn of(fault: Fault) -> Option<Self> {
                    if let Fault::$group(fault) = fault { Some(fault) } else { None }
                }
            }
        )+
    };
}

/// A group of faults.
pub(super) trait Group: Copy + Into<Fault> {
    /// The fault, if it belongs to this group.
    fn of(fault: Fault) -> Option<Self>;
}

faults! {
    /// Claims of the ID token (OpenID Connect Core §3.1.3.7), at the code exchange and at each refresh.
    IdToken {
        /// Another issuer.
        IssWrong = "iss=wrong",
        /// No issuer.
        IssMissing = "iss=missing",
        /// No subject.
        SubMissing = "sub=missing",
        /// Another client's id.
        AudWrong = "aud=wrong",
        /// No audience.
        AudMissing = "aud=missing",
        /// An array with the client alone, which is right.
        AudArray = "aud=array",
        /// An array with an audience nobody knows, and no `azp`.
        AudExtra = "aud=extra",
        /// The right audience, authorized for another party.
        AzpWrong = "azp=wrong",
        /// No time of issue.
        IatMissing = "iat=missing",
        /// Issued an hour from now.
        IatFuture = "iat=future",
        /// Valid an hour from now.
        NbfFuture = "nbf=future",
        /// No end.
        ExpMissing = "exp=missing",
        /// The end as text.
        ExpString = "exp=string",
        /// It ended an hour ago.
        ExpPast = "exp=past",
        /// The end in milliseconds.
        ExpMs = "exp=ms",
        /// Another nonce.
        NonceWrong = "nonce=wrong",
        /// No nonce, though one was sent.
        NonceMissing = "nonce=missing",
        /// The hash of another access token.
        AtHashWrong = "at_hash=wrong",
        /// No hash of the access token, which is right in this flow.
        AtHashMissing = "at_hash=missing",
        /// The hash of another code.
        CHashWrong = "c_hash=wrong",
    }

    /// Header and signature of the ID token.
    Signing {
        /// No key id. Right while one key fits.
        KidAbsent = "kid=absent",
        /// A key id that is never published.
        KidUnknown = "kid=unknown",
        /// A new key under the old key's id.
        KidReused = "kid=reused",
        /// `alg` is `none`, and there is no signature.
        AlgNone = "alg=none",
        /// `HS256` with the public key as the secret.
        AlgHs256Pub = "alg=hs256pub",
        /// `ES256` with a signature of zeros.
        AlgEs256Bad = "alg=es256bad",
        /// `PS256` by a key that is published for `RS256`.
        AlgPsOnRs = "alg=ps-on-rs",
        /// A signature with one bit changed.
        SignatureWrong = "sig=wrong",
        /// A header that has to be understood, and cannot be.
        Crit = "crit=unknown",
        /// A key of nobody's in the header.
        JwkEmbedded = "jwk=embedded",
    }

    /// The key set.
    KeySet {
        /// A new key right before each signature; the old one is gone.
        RotateBeforeSign = "jwks=rotate-before-sign",
        /// A new key right after each signature; the old one stays published.
        RotateAfter = "jwks=rotate-after",
        /// 500.
        ServerError = "jwks=500",
        /// A page.
        Html = "jwks=html",
        /// No key.
        Empty = "jwks=empty",
        /// Keys that cannot be used before the one that can.
        BadKey = "jwks=badkey",
        /// The reply never comes.
        Hang = "jwks=hang",
        /// A second key that fits the algorithm.
        Several = "jwks=several",
    }

    /// The redirect back to the client.
    Authorization {
        /// The issuer with a slash at its end.
        IssWrong = "authz.iss=wrong",
        /// No issuer, though the metadata promise one.
        IssMissing = "authz.iss=missing",
        /// The issuer of another server.
        IssOther = "authz.iss=other",
        /// Another state.
        StateWrong = "state=wrong",
        /// No state.
        StateMissing = "state=missing",
        /// The state twice: the right one and another.
        StateTwice = "state=twice",
        /// `access_denied`.
        Denied = "authz=denied",
        /// `access_denied` with another state.
        DeniedStateWrong = "authz=denied-state-wrong",
        /// Neither a code nor an error.
        CodeMissing = "code=missing",
    }

    /// Members of the token reply, whatever was granted.
    Tokens {
        /// No lifetime.
        ExpiresInMissing = "expires_in=missing",
        /// It ends at once.
        ExpiresInZero = "expires_in=0",
        /// The lifetime as text.
        ExpiresInString = "expires_in=str",
        /// The lifetime with a fraction.
        ExpiresInFloat = "expires_in=float",
        /// It ended before.
        ExpiresInNegative = "expires_in=neg",
        /// Longer than there are numbers for.
        ExpiresInHuge = "expires_in=huge",
        /// `bearer`, which is right.
        TokenTypeLower = "token_type=lower",
        /// `BEARER`, which is right.
        TokenTypeUpper = "token_type=upper",
        /// A type no client understands.
        TokenTypeMac = "token_type=mac",
        /// No type.
        TokenTypeMissing = "token_type=missing",
        /// Less than was asked for.
        ScopeNarrower = "scope=narrower",
        /// The scope as an array.
        ScopeArray = "scope=array",
        /// No ID token, though `openid` was granted.
        IdTokenMissing = "id_token=missing",
    }

    /// The refresh. Each says whether the token is spent.
    Refresh {
        /// No refresh token: the old one stays.
        NoRefreshToken = "refresh=no-rt",
        /// An empty refresh token: the old one stays.
        EmptyRefreshToken = "refresh=empty-rt",
        /// A refresh token that is null: the old one stays.
        NullRefreshToken = "refresh=null-rt",
        /// The old refresh token once more: it stays.
        SameRefreshToken = "refresh=same-rt",
        /// The refresh token twice, the last one is good: spent.
        Duplicate = "refresh=duplicate",
        /// An ID token of another issuer: spent.
        NewIss = "refresh=new-iss",
        /// An ID token of another person: spent.
        NewSub = "refresh=new-sub",
        /// The connection ends without a reply: spent.
        DropReply = "refresh=drop-reply",
        /// The reply never comes: spent.
        Hang = "refresh=hang",
        /// The connection ends within the body: spent.
        Torn = "refresh=torn",
        /// JSON that ends within the new refresh token: spent.
        Truncated = "refresh=trunc",
        /// 200 without a body: spent.
        EmptyBody = "refresh=empty",
        /// 201 with the tokens: spent.
        Created = "refresh=201",
        /// The tokens as `text/plain`: spent.
        Text = "refresh=text",
        /// A page, as a captive portal sends it: not spent.
        Html = "refresh=html",
        /// 204: not spent.
        NoContent = "refresh=204",
        /// 302 to another host: not spent.
        Redirect = "refresh=302",
        /// 429 with `Retry-After: 2`: not spent.
        TooMany = "refresh=429",
        /// 503 with `Retry-After: 2`: not spent.
        Unavailable = "refresh=503",
        /// 500 that says `invalid_grant`: not spent.
        ServerErrorWithVerdict = "refresh=5xx+invalid_grant",
        /// 200 that says `invalid_grant`: not spent.
        VerdictWithOk = "refresh=200+invalid_grant",
    }

    /// Proof of possession (RFC 9449). These last until they are taken back.
    Dpop {
        /// The token endpoint asks for a nonce, and then it is always the same.
        NonceFirst = "dpop=nonce-first",
        /// Each reply of the token endpoint brings a new nonce, and only the newest is taken.
        NonceEach = "dpop=nonce-each",
        /// The token endpoint asks for a nonce and never takes one.
        NonceForever = "dpop=nonce-forever",
        /// The resource asks for a nonce of its own.
        NonceResource = "dpop=nonce-resource",
        /// A bound token that is said to be a bearer token.
        Bearer = "dpop=bearer",
    }

    /// The device flow (RFC 8628).
    Device {
        /// `slow_down` instead of an answer.
        SlowDown = "device=slow_down",
        /// `expired_token`.
        Expired = "device=expired",
        /// `access_denied`.
        Denied = "device=denied",
        /// An error nobody has heard of.
        UnknownError = "device=unknown-error",
        /// No interval.
        IntervalMissing = "device=interval-missing",
        /// An interval of 0.
        IntervalZero = "device=interval-0",
        /// An interval below 0.
        IntervalNegative = "device=interval-negative",
        /// An interval of an hour.
        IntervalHuge = "device=interval-3600",
        /// A `javascript:` URL to open.
        EvilScheme = "device=evil-scheme",
    }

    /// The metadata (RFC 8414, OpenID Connect Discovery).
    Discovery {
        /// They are another issuer's.
        IssuerMismatch = "discovery=issuer-mismatch",
        /// Keys over plain HTTP from another host.
        HttpJwks = "discovery=http-jwks",
        /// A `file:` URL to sign in at.
        EvilScheme = "discovery=evil-scheme",
        /// No token endpoint.
        TokenEndpointMissing = "discovery=token_endpoint-missing",
        /// A token endpoint on another host.
        HostChange = "discovery=host-change",
        /// PKCE is not mentioned.
        PkceMissing = "pkce=not-advertised",
        /// PKCE without S256.
        PkcePlain = "pkce=plain",
        /// A page.
        Html = "discovery=html",
    }

    /// The user info endpoint.
    UserInfo {
        /// Another person.
        SubWrong = "userinfo.sub=wrong",
        /// Nobody.
        SubMissing = "userinfo.sub=missing",
    }

    /// The revocation endpoint (RFC 7009).
    Revocation {
        /// 503 with `Retry-After: 2`, and the token lives on.
        Unavailable = "revoke=503",
        /// The reply never comes, and the token lives on.
        Hang = "revoke=hang",
    }

    /// The redirect after a sign-out (RP-initiated logout).
    Logout {
        /// No state.
        StateMissing = "logout=no-state",
        /// Another state.
        StateOther = "logout=other-state",
    }
}

/// What was planned and has not struck yet.
#[derive(Debug, Default)]
pub(super) struct Plan(Vec<(Fault, Option<u32>)>);

impl Plan {
    /// From now on, or so many times.
    pub(super) fn add(&mut self, fault: Fault, times: Option<u32>) {
        self.0.push((fault, times));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether this is planned. Does not count as a strike.
    pub(super) fn has(&self, fault: impl Into<Fault>) -> bool {
        let fault = fault.into();
        self.0.iter().any(|(planned, left)| *planned == fault && *left != Some(0))
    }

    /// Whether this strikes now.
    pub(super) fn strikes(&mut self, fault: impl Into<Fault>) -> bool {
        let fault = fault.into();
        let planned = self.0.iter_mut().find(|(planned, left)| *planned == fault && *left != Some(0));
        let Some((_, left)) = planned else { return false };
        *left = left.map(|left| left.saturating_sub(1));
        true
    }

    /// Everything of a group that strikes now.
    pub(super) fn striking<G: Group>(&mut self) -> Vec<G> {
        let planned: Vec<G> = self.0.iter().filter_map(|(fault, _)| G::of(*fault)).collect();
        planned.into_iter().filter(|fault| self.strikes(*fault)).collect()
    }

    /// The first of a group that strikes now.
    pub(super) fn first<G: Group>(&mut self) -> Option<G> {
        let planned: Vec<G> = self.0.iter().filter_map(|(fault, _)| G::of(*fault)).collect();
        planned.into_iter().find(|fault| self.strikes(*fault))
    }
}
