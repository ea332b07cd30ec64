//! What `check` says of trusted issuers, and of assertions that are accepted beside the standards.

use crate::app::{App, ListedIssuer};
use crate::base::clock::Clock;
use crate::cli::output::chain;
use crate::cli::serve::check::Report;
use crate::config::Config;

/// Trusted issuers that cannot be used, and what of the assertions is accepted beside the standards.
pub(super) async fn check_issuers(report: &mut Report, config: Config) {
    let read = async {
        let own = config.token.issuer.clone();
        let app = App::open(config, Clock::system())?;
        // The tables may not be there yet.
        let is_migrated = app.store().list_pending_migrations().await?.is_empty();
        let found = if is_migrated {
            let lax = app.store().count_clients_for_token_endpoint().await?;
            Some((app.issuers.list().await?, lax))
        } else {
            None
        };
        app.store().close().await;
        anyhow::Ok((own, found))
    };
    let (own, found) = match read.await {
        Ok((own, Some(found))) => (own, found),
        Ok((_, None)) => return,
        Err(error) => return report.fail(&format!("issuers: {}", chain(&error))),
    };
    let (issuers, lax) = found;
    for ListedIssuer { issuer, clients } in &issuers {
        if issuer.is_this_server(&own) {
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
