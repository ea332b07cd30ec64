//! What `check` says of trusted issuers, and of assertions that are accepted beside the standards.

use crate::app::ListedIssuer;
use crate::cli::serve::check::{Report, open_app, read_if_migrated};
use crate::config::Config;

/// Trusted issuers that cannot be used, and what of the assertions is accepted beside the standards.
pub(super) async fn check_issuers(report: &mut Report, config: &Config) {
    let read = async {
        let app = open_app(config)?;
        let found = async {
            let lax = app.store().count_clients_for_token_endpoint().await?;
            anyhow::Ok((app.issuers.list().await?, lax))
        };
        read_if_migrated(app.store(), found).await
    };
    let Some((issuers, lax)) = report.some_or_fail("issuers", read.await) else {
        return;
    };
    let own = &config.token.issuer;
    for ListedIssuer { issuer, clients } in &issuers {
        if issuer.is_this_server(own) {
            report.fail(&format!(
                "issuers: `{}` is this server itself (ISSUER), so no client can log in through it; remove it",
                issuer.name
            ));
        }
        let audiences: Vec<String> = issuer.audiences.iter().map(ToString::to_string).collect();
        if !audiences.is_empty() && audiences != [own.as_str()] {
            report.warn(&format!(
                "issuers: `{}` accepts tokens for {} in place of ISSUER, which RFC 7523 as updated in 2026 does not allow",
                issuer.name,
                audiences.join(", ")
            ));
        }
        if *clients > 0 {
            report.note(&format!(
                "issuers: {clients} client(s) may log in through `{}` with tokens whose sub is no client ID, which RFC 7523 as \
                 updated in 2026 does not describe",
                issuer.name
            ));
        }
    }
    if lax > 0 {
        report.warn(&format!(
            "clients: {lax} may log in with assertions for the token endpoint (token_endpoint_as_audience), which RFC 7523 as \
             updated in 2026 does not allow"
        ));
    }
}
