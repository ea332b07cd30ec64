//! Owns what a client of another server could do here that it could not there. Each such thing is told, and an option of the
//! import takes it away.

use crate::app::clients::transfer::formats::imported_client::ImportedClient;
use crate::domain::{ClientChanges, Metadata, TokenTtl};

/// What an import takes away from the clients of a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrowing {
    /// Metadata is left out.
    pub drop_metadata: bool,
    /// Scopes that are granted only when asked for are left out, with their audiences.
    pub drop_optional_scopes: bool,
    /// A request that names no scope gets none, if it is so at the other server.
    pub explicit_scopes_only: bool,
    /// What the tokens of clients live for of which the file does not say it.
    pub token_ttl: Option<TokenTtl>,
}

/// Something that is wider here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Widening {
    /// The metadata is shown to admins only.
    AdminMetadata,
    /// A request that asks for no scope gets none.
    NoDefaultScopes,
    /// A request that asks for no audience gets none.
    NoDefaultAudience,
    /// Its tokens have no audience.
    NoAudiences,
    /// The scope is granted only when asked for.
    OptionalScope(String),
    /// The audience comes with a scope that is granted only when asked for.
    OptionalAudience {
        /// The audience.
        audience: String,
        /// The scope that brings it.
        scope: String,
    },
    /// The file does not say how long its tokens live.
    UnknownTtl,
}

impl Narrowing {
    /// Nothing is taken away.
    pub const NONE: Self = Self {
        drop_metadata: false,
        drop_optional_scopes: false,
        explicit_scopes_only: false,
        token_ttl: None,
    };

    /// Takes away what the options say, or remarks what is wider.
    pub(in crate::app::clients::transfer) fn apply(&self, client: &mut ImportedClient) {
        let (fields, remarks) = (&mut client.fields, &mut client.remarks);
        if self.drop_metadata
            && let Some(metadata) = &mut fields.metadata
            && *metadata != Metadata::default()
        {
            *metadata = Metadata::default();
            remarks.push("left out its metadata".to_owned());
        }
        if let (Some(ttl), None | Some(None)) = (self.token_ttl, fields.token_ttl) {
            fields.token_ttl = Some(Some(ttl));
        }
        let widenings = client.widenings.iter();
        remarks.extend(widenings.filter_map(|it| self.apply_one(fields, it)));
    }

    /// What to remark of one widening, unless an option has dealt with it.
    fn apply_one(&self, fields: &mut ClientChanges, widening: &Widening) -> Option<String> {
        let remark = match widening {
            Widening::AdminMetadata if self.drop_metadata => return None,
            Widening::UnknownTtl if self.token_ttl.is_some() => return None,
            Widening::NoDefaultScopes if self.explicit_scopes_only => {
                fields.explicit_scopes_only = Some(true);
                return None;
            }
            Widening::OptionalScope(word) if self.drop_optional_scopes => {
                if let Some(scopes) = &mut fields.scopes {
                    *scopes = scopes.filter(|it| it != word);
                }
                format!("left out its optional scope `{word}`")
            }
            Widening::OptionalAudience { audience, scope } if self.drop_optional_scopes => {
                if let Some(audiences) = &mut fields.audiences {
                    audiences.retain(|it| it.as_str() != audience);
                }
                format!("left out its audience `{audience}`, which comes with `{scope}`")
            }
            Widening::AdminMetadata => {
                "there only admins see its metadata; here each of its tokens contains it (--drop-metadata leaves it \
                    out)"
                    .to_owned()
            }
            Widening::NoDefaultScopes => {
                "there a request without scopes gets none; here it gets all scopes of the client \
                    (--explicit-scopes-only gives none)"
                    .to_owned()
            }
            Widening::NoDefaultAudience => {
                "there a request without an audience gets none; here it gets the first audience of the client"
                    .to_owned()
            }
            Widening::NoAudiences => {
                "there its tokens have no audience; here they have the server's AUDIENCE, if set"
                    .to_owned()
            }
            Widening::OptionalScope(word) => format!(
                "there `{word}` is optional; here a request without scopes also gets it (--drop-optional-scopes \
                    leaves it out)"
            ),
            Widening::OptionalAudience { audience, scope } => format!(
                "there its audience `{audience}` needs the optional scope `{scope}`; here it does not \
                    (--drop-optional-scopes leaves it out)"
            ),
            Widening::UnknownTtl => {
                "the file has no token lifetime, so TOKEN_TTL applies (--token-ttl sets another one)"
                    .to_owned()
            }
        };
        Some(remark)
    }
}
