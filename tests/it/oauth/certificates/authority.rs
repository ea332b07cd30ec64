//! `tls_client_auth` (RFC 8705 §2.1): certificates of an authority.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use token_server::domain::{AllowedNetworks, ClientChanges, ExpectedVersion};

use super::{Ca, accepted, ask, params, refused, register_subject};
use crate::harness::{BY, CLIENT, Holder, id};

#[tokio::test]
async fn a_certificate_of_the_authority_proves_whom_it_names() {
    let ca = Ca::new();
    let holder = ca.sign(&params());

    for subject in [
        "subject_dn=CN=billing,O=Acme",
        "san_dns=Billing.example.com",
        "san_uri=spiffe://example.com/billing",
        "san_ip=2001:db8::7",
        "san_email=billing@example.com",
    ] {
        let served = ca.serve().await;
        register_subject(&served, subject).await;
        assert_eq!(ask(&served, Some(&holder)).await, accepted(), "{subject}");
    }
}

#[tokio::test]
async fn a_good_certificate_is_refused_from_a_network_that_is_not_the_clients() {
    let ca = Ca::new();
    let holder = ca.sign(&params());
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let id = id(CLIENT);

    for (networks, expected) in [
        ("10.0.0.0/8", refused()),
        ("127.0.0.0/8", accepted()),
        ("::1", refused()),
        ("", accepted()),
    ] {
        let changes = ClientChanges {
            allowed_networks: AllowedNetworks::parse(networks).ok(),
            ..ClientChanges::default()
        };
        let app = &served.test.app;
        app.clients
            .update(BY, &id, &ExpectedVersion::Any, changes)
            .await
            .unwrap();
        assert_eq!(ask(&served, Some(&holder)).await, expected, "{networks}");
    }
    let refusals = served
        .test
        .app
        .audit
        .list_rejected_requests(&id, 9)
        .await
        .unwrap();
    let reasons: Vec<&str> = refusals.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, ["wrong network: 127.0.0.1"; 2]);
}

#[tokio::test]
async fn a_certificate_that_names_somebody_else_is_refused() {
    let ca = Ca::new();
    let holder = ca.sign(&params());

    for subject in [
        "subject_dn=O=Acme,CN=billing",
        "subject_dn=CN=billing",
        "subject_dn=CN=Billing,O=Acme",
        "san_dns=example.com",
        "san_dns=a.wild.example.com",
        "san_uri=spiffe://example.com/billin",
        "san_ip=2001:db8::8",
        "san_email=Billing@example.com",
    ] {
        let served = ca.serve().await;
        register_subject(&served, subject).await;
        assert_eq!(ask(&served, Some(&holder)).await, refused(), "{subject}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (ca, other) = (Ca::new(), Ca::new());
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let mut expired = params();
    expired.not_after = date_time_ymd(2026, 1, 1);
    let mut future = params();
    future.not_before = date_time_ymd(2028, 1, 1);
    let mut for_servers = params();
    for_servers.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];

    for holder in [
        other.sign(&params()),
        Holder::self_signed(&params()),
        ca.sign(&expired),
        ca.sign(&future),
        ca.sign(&for_servers),
    ] {
        assert_eq!(ask(&served, Some(&holder)).await, refused());
    }
    assert_eq!(ask(&served, None).await, refused());
    assert_eq!(ask(&served, Some(&ca.sign(&params()))).await, accepted());
}

#[tokio::test]
async fn a_new_authority_is_taken_over_and_a_bad_one_refused() {
    let (ca, other) = (Ca::new(), Ca::new());
    let served = ca.serve().await;
    register_subject(&served, "san_dns=billing.example.com").await;
    let (old, new) = (ca.sign(&params()), other.sign(&params()));

    std::fs::write(ca.path(), "garbage").unwrap();
    served.test.app.authentication.reread_client_ca();
    assert_eq!(ask(&served, Some(&old)).await, accepted());

    std::fs::write(ca.path(), other.issuer.pem()).unwrap();
    served.test.app.authentication.reread_client_ca();
    assert_eq!(ask(&served, Some(&old)).await, refused());
    assert_eq!(ask(&served, Some(&new)).await, accepted());
}
