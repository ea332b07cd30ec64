//! The form of a new client: what it takes, and where it says what is wrong.

use token_server::app::ClientQuery;
use token_server::domain::TokenTtl;

use super::{BASIC, POST, find, shown};
use crate::admin::{Browser, error_at, portal};
use crate::harness::{Answer, CLIENT, NOW, id};

#[tokio::test]
async fn a_client_is_made_with_all_that_can_be_said_of_it_and_its_secret_works() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let page = omar
        .post(
            "/admin/new-client",
            &[
                ("client_id", "billing/eu"),
                ("name", "Billing"),
                ("description", "Asks\r\nfor invoices"),
                ("scopes", "invoices.read  invoices.write"),
                ("audiences", "https://a.test https://b.test"),
                ("metadata", r#"{ "tenant": "acme" }"#),
                ("token_ttl", "15m"),
                POST,
                ("private_key_jwt", "yes"),
                ("jwks_uri", ""),
                ("jwks", KEYS),
                ("dpop_bound_access_tokens", ""),
                ("lifetime", "30d"),
            ],
        )
        .await;
    let page = omar.follow(&page).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let secret = shown(&page, "client_secret");

    assert_eq!(test.authorize("billing/eu", &secret).await.status, 200);
    let client = find(&test, "billing/eu").await;
    assert_eq!(client.name.as_str(), "Billing");
    assert_eq!(client.description.as_str(), "Asks\nfor invoices");
    assert_eq!(client.scopes.as_str(), "invoices.read invoices.write");
    assert_eq!(client.audiences.len(), 2);
    assert_eq!(client.metadata.as_str(), r#"{"tenant":"acme"}"#);
    assert_eq!(client.token_ttl.map(TokenTtl::seconds), Some(900));
    let methods = client.authentication.auth_methods.to_string();
    assert_eq!(methods, "client_secret_post private_key_jwt");
    let record = test.find_client(&id("billing/eu")).await;
    let end = record.secrets[0].expires_at;
    assert_eq!(end, Some(NOW.plus(30 * 86_400)));
    let path = "/admin/clients/billing%2Feu";
    let shown = omar.get(path).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text().contains(&secret));
    assert!(omar.get("/admin/clients").await.text().contains(path));
}

const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[tokio::test]
async fn the_programs_are_filled_in_for_the_way_that_the_client_may_use() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let create = async |omar: &mut Browser<'_>, client_id: &str, method| {
        let fields = [("client_id", client_id), method];
        let made = omar.post("/admin/new-client", &fields).await;
        omar.follow(&made).await
    };

    let body = create(&mut omar, "it's", POST).await;
    let header = create(&mut omar, "a:b", BASIC).await;

    let curl = shown(&body, "curl");
    assert!(curl.contains("https://tokens.test/authorize"), "{curl}");
    assert!(curl.contains("client_id=it") && curl.contains(&shown(&body, "client_secret")));
    for language in ["Node.js", "Python", "Go", "Rust"] {
        let code = shown(&body, language);
        assert!(code.contains("it&#39;s"), "{code}");
        let code = shown(&header, language);
        assert!(code.contains("a%3Ab"), "{code}");
    }
}

#[tokio::test]
async fn what_was_typed_wrongly_is_told_above_the_form_and_nothing_is_lost() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    for (name, value, told) in [
        ("metadata", "[1]", "not a JSON object"),
        ("metadata", "{", "not a JSON object"),
        ("token_ttl", "3", "lifetime"),
        ("token_ttl", "soon", "units"),
        ("scopes", "a\"b", "scope"),
        ("client_id", "a b", "client_id"),
        ("tls_client_auth", "yes", "tls_client_auth needs"),
        ("jwks_uri", "https://keys.test/", "JWKS_URI_HOSTS"),
        ("client_secret", "short", "MIN_SECRET_LENGTH (16)"),
        ("lifetime", "-1d", ""),
    ] {
        let fields = [("description", "kept as it was"), POST, (name, value)];
        let page = omar.post("/admin/new-client", &fields).await;
        assert_eq!(page.status, 422, "{name}={value}");
        let (_, alert) = page.text().split_once("role=\"alert\">").unwrap();
        let alert = alert.split('<').next().unwrap();
        assert!(alert.contains(told), "{name}={value}: {alert}");
        assert!(page.text().contains("kept as it was"));
        assert!(!page.text().contains("short"), "a secret is not sent back");
    }
    let none = omar.post("/admin/new-client", &[("name", "x")]).await;
    assert!(none.text().contains("at least one authentication method"));

    test.client().await;
    let taken = omar
        .post("/admin/new-client", &[("client_id", CLIENT), POST])
        .await;
    assert_eq!(taken.status, 422);
    assert!(
        taken
            .text()
            .contains("The client <code>billing</code> exists already.")
    );
}

#[tokio::test]
async fn all_that_was_typed_wrongly_is_told_at_once_each_at_its_field() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let fields = [
        ("client_id", "a b"),
        ("name", "kept as it was"),
        ("scopes", "a\"b"),
        ("metadata", "[1]"),
        ("token_ttl", "3"),
        ("allowed_networks", "10.0.0.0/33"),
        ("subject", "nonsense"),
        ("client_secret", "short"),
        ("lifetime", "soon"),
    ];

    let page = omar.post("/admin/new-client", &fields).await;

    assert_eq!(page.status, 422);
    assert!(
        page.text().contains("9 fields were not accepted."),
        "{}",
        page.text()
    );
    assert!(page.text().contains("value=\"kept as it was\""));
    let wrong = fields
        .iter()
        .map(|(name, _)| *name)
        .filter(|it| *it != "name");
    for field in wrong.chain(["auth_methods"]) {
        assert!(error_at(&page, field).is_some(), "{field}");
        let marks = format!("{field}-error");
        let (_, input) = page.text().split_once(&format!("id=\"{field}\"")).unwrap();
        let input = input.split('>').next().unwrap();
        assert!(input.contains("aria-invalid=\"true\" autofocus"), "{input}");
        assert!(
            input.contains(&format!("aria-describedby=\"{marks}")),
            "{input}"
        );
        assert!(
            page.text().contains(&format!("<a href=\"#{field}\">")),
            "{field}"
        );
    }
    assert!(!page.text().contains("id=\"name-error\""));
    assert!(
        test.app
            .clients
            .list(&ClientQuery {
                limit: 10,
                ..ClientQuery::default()
            })
            .await
            .unwrap()
            .clients
            .is_empty()
    );

    test.client().await;
    let taken = [("client_id", CLIENT), POST];
    let page = omar.post("/admin/new-client", &taken).await;
    assert!(error_at(&page, "client_id").unwrap().contains("already"));
    let both = [POST, ("jwks", KEYS), ("jwks_uri", "https://keys.test/")];
    let page = omar.post("/admin/new-client", &both).await;
    assert!(
        page.text()
            .contains("role=\"alert\">Keys are in <code>jwks</code>")
    );
    let host = [POST, ("jwks_uri", "https://keys.test/")];
    let page = omar.post("/admin/new-client", &host).await;
    assert!(
        error_at(&page, "jwks_uri")
            .unwrap()
            .contains("JWKS_URI_HOSTS")
    );
}

#[tokio::test]
async fn what_few_clients_need_is_folded_away_until_it_is_filled_in() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let folds = |page: &Answer| {
        let parts = page.text().split("<details").skip(1);
        let parts = parts.map(|part| {
            let (_, name) = part.split_once("<summary>").unwrap();
            (
                name.split('<').next().unwrap().to_owned(),
                part.starts_with(" open"),
            )
        });
        parts.collect::<Vec<(String, bool)>>()
    };

    let empty = omar.get("/admin/new-client").await;
    let filled = [("client_id", "a b"), ("token_quota", "5"), POST];
    let again = omar.post("/admin/new-client", &filled).await;

    let names = [
        "Keys and certificates",
        "Workload identity",
        "Advanced",
        "Custom secret",
    ];
    let all = |open: [bool; 4]| {
        names
            .map(str::to_owned)
            .into_iter()
            .zip(open)
            .collect::<Vec<_>>()
    };
    assert_eq!(folds(&empty), all([false; 4]));
    assert_eq!(folds(&again), all([false, false, true, false]));
    let (first, _) = empty.text().split_once("<details").unwrap();
    for field in [
        "client_id",
        "name",
        "scopes",
        "audiences",
        "private_key_jwt",
    ] {
        assert!(first.contains(&format!("id=\"{field}\"")), "{field}");
    }
}
