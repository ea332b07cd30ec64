//! The pages about clients.

use token_server::app::{AuditFilter, ClientQuery, NewClient};
use token_server::base::clock::UnixTime;
use token_server::domain::{Client, ClientId, ClientStatus, ErrorCode, Name, Scope, TokenTtl};

use super::{Browser, error_at, portal};
use crate::audit;
use crate::harness::{Answer, BY, CLIENT, NOW, TestApp};

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

async fn find(test: &TestApp, client_id: &str) -> Client {
    let found = test.app.clients.find(&id(client_id)).await;
    found.unwrap().client
}

/// What a page shows to be copied under this label.
fn shown(page: &Answer, label: &str) -> String {
    let mark = format!("aria-label=\"{label}\">");
    let (_, rest) = page.text().split_once(&mark).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

fn hidden(page: &Answer, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.text().split_once(&mark).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

const BASIC: (&str, &str) = ("client_secret_basic", "yes");
const POST: (&str, &str) = ("client_secret_post", "yes");

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
    let record = test.app.clients.find(&id("billing/eu")).await.unwrap();
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
async fn a_change_of_what_somebody_else_has_changed_meanwhile_is_refused() {
    let test = portal().await;
    test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let mut olga = Browser::of(&test, "olga").await;
    let path = "/admin/clients/billing/edit";
    let version = hidden(&omar.get(path).await, "version");
    let save = async |browser: &mut Browser<'_>, name: &str| {
        let fields = [
            ("version", version.as_str()),
            ("name", name),
            ("scopes", "read"),
            BASIC,
        ];
        browser.post(path, &fields).await
    };

    assert_eq!(save(&mut olga, "of Olga").await.status, 303);
    let refused = save(&mut omar, "of Omar").await;

    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("has changed since"));
    assert!(refused.text().contains("value=\"of Omar\""));
    assert_eq!(find(&test, CLIENT).await.name.as_str(), "of Olga");
    let again = save(&mut omar, "of Omar").await;
    assert_eq!(again.status, 422, "trying again does not help");
}

#[tokio::test]
async fn a_form_sets_its_own_fields_and_no_others() {
    let test = portal().await;
    test.client().await;
    let before = find(&test, CLIENT).await;
    test.clock.advance(10);
    let mut omar = Browser::of(&test, "omar").await;
    let version = hidden(&omar.get("/admin/clients/billing/edit").await, "version");

    let saved = omar
        .post(
            "/admin/clients/billing/edit",
            &[
                ("version", &version),
                ("name", "new"),
                POST,
                ("client_id", "other"),
                ("status", "disabled"),
                ("created_at", "1"),
                ("updated_at", "1"),
                ("secret_hash", "x"),
                ("role", "owner"),
            ],
        )
        .await;

    assert_eq!(
        saved.header("location"),
        "/admin/clients/billing?done=saved"
    );
    let after = find(&test, CLIENT).await;
    assert_eq!(after.status, ClientStatus::Enabled);
    assert_eq!(after.created_at, before.created_at);
    assert_eq!(after.updated_at, NOW.plus(10));
    assert_eq!(after.name.as_str(), "new");
    // What is empty in the form was taken away.
    assert!(after.scopes.is_empty());
    let other = test.app.clients.find(&id("other")).await;
    assert_eq!(other.unwrap_err().code, ErrorCode::NotFound);
    let without = omar.post("/admin/clients/billing/edit", &[POST]).await;
    assert_eq!(without.status, 400, "a version must be there");
}

#[tokio::test]
async fn nothing_that_is_written_about_a_client_becomes_part_of_a_page() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let evil = "\"'></textarea><script>alert(1)</script><img src=x onerror=alert(1)>";
    let metadata = serde_json::json!({ evil: evil }).to_string();
    let made = omar
        .post(
            "/admin/new-client",
            &[
                ("client_id", "\"><script>alert(1)</script>"),
                ("name", evil),
                ("description", evil),
                ("metadata", &metadata),
                POST,
            ],
        )
        .await;
    let made = omar.follow(&made).await;
    assert_eq!(made.status, 200);
    let path = format!("/admin/clients/{}", encoded("\"><script>alert(1)</script>"));

    let refused = omar
        .post(
            "/admin/new-client",
            &[("client_id", evil), ("name", evil), ("metadata", evil)],
        )
        .await;
    let mut pages = vec![made, refused];
    for path in [
        "/admin/clients",
        &format!("/admin/clients?search={}", encoded(evil)),
        &path,
        &format!("{path}/edit"),
    ] {
        let page = omar.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        pages.push(page);
    }

    for page in pages {
        let html = page.text();
        assert!(
            !html.contains("<script>alert") && !html.contains("<img"),
            "{html}"
        );
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(html.contains("&#60;script&#62;alert"), "{html}");
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn a_client_is_deleted_only_when_its_id_is_typed() {
    let test = portal().await;
    let secret = test.client().await;
    let token = test.token(&secret).await;
    let mut omar = Browser::of(&test, "omar").await;
    let path = "/admin/clients/billing/delete";

    for typed in ["", "Billing", "billing2"] {
        let answer = omar.post(path, &[("typed", typed)]).await;
        assert_eq!(answer.status, 422, "{typed}");
        assert!(
            answer
                .text()
                .contains("typed name is not <code>billing</code>")
        );
    }
    assert_eq!(test.verify(&token).await.status, 200);

    let answer = omar.post(path, &[("typed", "billing")]).await;
    assert_eq!(answer.header("location"), "/admin/clients?done=deleted");
    test.verify(&token).await.assert_error(401, "invalid_token");
    assert_eq!(omar.get("/admin/clients/billing").await.status, 404);
    assert_eq!(omar.post(path, &[("typed", "billing")]).await.status, 404);
}

#[tokio::test]
async fn disabling_enabling_and_revoking_do_what_they_say_in_the_name_of_who_did_it() {
    let test = portal().await;
    let secret = test.client().await;
    let mut omar = Browser::of(&test, "omar").await;
    let path = |what: &str| format!("/admin/clients/billing/{what}");

    let token = test.token(&secret).await;
    let answer = omar.post(&path("revoke-tokens"), &[]).await;
    assert_eq!(
        answer.header("location"),
        "/admin/clients/billing?done=revoked"
    );
    test.verify(&token).await.assert_error(401, "invalid_token");
    test.clock.advance(1);
    let token = test.token(&secret).await;
    omar.post(&path("status"), &[("status", "disabled")]).await;
    test.verify(&token).await.assert_error(401, "invalid_token");
    let refused = test.authorize(CLIENT, &secret).await;
    refused.assert_error(401, "invalid_client");
    omar.post(&path("status"), &[("status", "enabled")]).await;
    test.clock.advance(10);
    test.token(&secret).await;

    let filter = AuditFilter {
        actor: Some("omar".to_owned()),
        action: Some("client.".to_owned()),
        ..AuditFilter::default()
    };
    let events = audit::find(&test, &filter).await;
    let actions: Vec<&str> = events.iter().map(|it| it.action.as_str()).collect();
    let expected = ["client.revoke_tokens", "client.disable", "client.enable"];
    assert_eq!(actions, expected);
    assert!(
        events
            .iter()
            .all(|it| it.source.as_deref() == Some("192.0.2.1"))
    );
}

#[tokio::test]
async fn the_list_is_filtered_and_goes_on_from_page_to_page() {
    let test = portal().await;
    for n in 0..60 {
        let new = NewClient {
            client_id: Some(id(&format!("app-{n:02}"))),
            name: Name::parse(&format!("Number {n}")).unwrap(),
            ..NewClient::default()
        };
        test.app.clients.register(BY, new, None).await.unwrap();
    }
    let status = ClientStatus::Disabled;
    test.app
        .clients
        .set_status(BY, &id("app-07"), status)
        .await
        .unwrap();
    let mut vera = Browser::of(&test, "vera").await;
    let next = |page: &Answer| {
        let (_, rest) = page.text().split_once("rel=\"next\" href=\"")?;
        Some(rest.split('"').next().unwrap().replace("&#38;", "&"))
    };
    let rows = |page: &Answer| page.text().matches("scope=\"row\"").count();

    for order in ["client_id", "newest", "oldest"] {
        let path = format!("/admin/clients?order={order}");
        let first = vera.get(&path).await;
        assert_eq!(rows(&first), 50);
        let second = vera.get(&next(&first).unwrap()).await;
        assert_eq!((rows(&second), next(&second)), (10, None));
    }
    let disabled = vera.get("/admin/clients?status=disabled").await;
    assert_eq!(rows(&disabled), 1);
    assert!(disabled.text().contains("app-07"));
    let some = vera.get("/admin/clients?prefix=app-0&order=newest").await;
    assert_eq!(rows(&some), 10, "a search is by id");
    assert!(some.text().contains("aria-sort=\"ascending\">Client<"));
    assert!(
        some.text()
            .contains("Remove filter: </span>ID starts with app-0")
    );
    let named = vera
        .get("/admin/clients?search=NUMBER+5&order=newest")
        .await;
    assert_eq!(rows(&named), 11, "5, and 50 to 59");
    assert!(named.text().contains("value=\"NUMBER 5\""));
    let none = vera.get("/admin/clients?prefix=APP").await;
    assert!(none.text().contains("No client matches the search"));
    for wrong in ["status=x", "order=x", "order=newest&after=x", "after=a%20b"] {
        let answer = vera.get(&format!("/admin/clients?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_list_says_how_many_there_are_and_marks_exceptions_alone() {
    let test = portal().await;
    for (name, scopes) in [("plain", "read"), ("off", "read"), ("robot", "admin:read")] {
        let new = NewClient {
            client_id: Some(id(name)),
            scopes: Scope::parse(scopes).unwrap(),
            ..NewClient::default()
        };
        test.app.clients.register(BY, new, None).await.unwrap();
    }
    for (name, days) in [("soon", 10), ("over", 1), ("later", 20)] {
        let new = NewClient {
            client_id: Some(id(name)),
            ..NewClient::default()
        };
        let end = NOW.plus(days * 86_400);
        let secret = test.app.secrets.new_secret(None, Some(end)).unwrap();
        let registered = test.app.clients.register(BY, new, Some(secret));
        registered.await.unwrap();
    }
    test.clock.advance(2 * 86_400);
    let (off, disabled) = (id("off"), ClientStatus::Disabled);
    let set = test.app.clients.set_status(BY, &off, disabled);
    set.await.unwrap();
    let mut vera = Browser::of(&test, "vera").await;
    let row = |page: &Answer, name: &str| {
        let (_, rest) = page.text().split_once(&format!(">{name}</a>")).unwrap();
        rest.split("</tr>").next().unwrap().to_owned()
    };

    let all = vera.get("/admin/clients").await;
    assert!(all.text().contains(">6 clients<"), "{}", all.text());
    assert!(!row(&all, "plain").contains("badge") && !row(&all, "later").contains("badge"));
    assert!(row(&all, "soon").contains("badge warn\">secret expires soon"));
    assert!(row(&all, "over").contains("badge bad\">no active secret"));
    assert!(row(&all, "off").contains("badge bad\">disabled"));
    assert!(row(&all, "robot").contains("badge warn\">reserved scope"));
    for (query, total) in [
        ("status=disabled", ">1 client<"),
        ("search=read", ">3 clients<"),
        ("scope=read", ">2 clients<"),
        ("search=nothing", ">0 clients<"),
    ] {
        let page = vera.get(&format!("/admin/clients?{query}")).await;
        assert!(page.text().contains(total), "{query}: {}", page.text());
    }
}

#[tokio::test]
async fn a_filter_keeps_the_others_when_it_is_set_or_removed() {
    let test = portal().await;
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera
        .get("/admin/clients?search=a%26b&scope=read&status=disabled")
        .await;

    let link = |query: &str| format!("href=\"/admin/clients{}\"", query.replace('&', "&#38;"));
    let html = page.text();
    assert!(html.contains(&link("?search=a%26b&scope=read")), "{html}");
    assert!(html.contains(&(link("?search=a%26b&status=disabled&scope=read") + " aria-current")));
    assert!(html.contains("name=\"status\" value=\"disabled\""));
    assert!(html.contains("name=\"scope\" value=\"read\""));
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

#[tokio::test]
async fn a_viewer_sees_clients_and_no_way_to_change_one() {
    let test = portal().await;
    test.client().await;
    let mut vera = Browser::of(&test, "vera").await;

    for path in ["/admin/clients", "/admin/clients/billing"] {
        let page = vera.get(path).await;
        let (_, main) = page.text().split_once("<main").unwrap();
        assert!(!main.contains("method=\"post\""), "{path}");
        assert!(!main.contains("new-client") && !main.contains("/edit"));
    }
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap_and_the_page_says_what_is_safe() {
    let test = portal().await;
    let old = test.client().await;
    let record = test.app.clients.find(&id(CLIENT)).await.unwrap();
    let old_id = record.secrets[0].secret_id.clone();
    test.clock.advance(1);
    let mut omar = Browser::of(&test, "omar").await;
    let path = format!("/admin/clients/billing/secrets/{old_id}");

    let page = omar
        .post("/admin/clients/billing/secrets", &[("lifetime", "90d")])
        .await;
    let new = shown(&omar.follow(&page).await, "client_secret");
    test.token(&old).await;
    test.token(&new).await;
    test.app.write_usage().await.unwrap();
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("<td class=\"end\">1</td>"));
    assert!(page.text().contains("from 192.0.2.1"));
    let asked = omar.get(&format!("{path}/remove")).await;
    assert!(asked.text().contains("In use: once in 24 hours"));

    let fields = [("at", "2027-02-01T12:00"), ("lifetime", "1h")];
    let answer = omar.post(&format!("{path}/end"), &fields).await;
    assert_eq!(
        answer.header("location"),
        "/admin/clients/billing?done=ended"
    );
    let record = test.app.clients.find(&id(CLIENT)).await.unwrap();
    let end: UnixTime = "2027-02-01T12:00:00Z".parse().unwrap();
    assert_eq!(record.secrets[0].expires_at, Some(end));
    omar.post(&format!("{path}/end"), &[("lifetime", "1h")])
        .await;
    test.clock.advance(3_599);
    test.token(&old).await;
    test.clock.advance(1);
    let refused = test.authorize(CLIENT, &old).await;
    refused.assert_error(401, "invalid_client");
    let mut omar = Browser::of(&test, "omar").await;
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("It has expired: safe to remove."));

    let answer = omar.post(&format!("{path}/remove"), &[]).await;
    assert_eq!(
        answer.header("location"),
        "/admin/clients/billing?done=removed"
    );
    let record = test.app.clients.find(&id(CLIENT)).await.unwrap();
    assert_eq!(record.secrets.len(), 1);
    test.token(&new).await;
    for wrong in [("at", "tomorrow"), ("lifetime", "soon"), ("lifetime", "0s")] {
        let path = format!(
            "/admin/clients/billing/secrets/{}/end",
            record.secrets[0].secret_id
        );
        assert_eq!(omar.post(&path, &[wrong]).await.status, 422, "{wrong:?}");
    }
    assert_eq!(omar.post(&format!("{path}/remove"), &[]).await.status, 404);
}

#[tokio::test]
async fn a_secret_is_told_to_end_when_it_is_used_no_more() {
    let test = portal().await;
    test.client().await;
    let id = ClientId::parse(CLIENT).unwrap();
    let secret_id = test.app.clients.find(&id).await.unwrap().secrets[0]
        .secret_id
        .clone();
    let mut omar = Browser::of(&test, "omar").await;
    let path = format!("/admin/clients/billing/secrets/{secret_id}/end");

    let set = omar
        .post(&path, &[("lifetime", "unused:24h"), ("at", "")])
        .await;
    assert_eq!(set.status, 303, "{}", set.text());
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("never, or 1 day after its last use"));
    assert_eq!(
        omar.post(&path, &[("lifetime", "unused:1s")]).await.status,
        422
    );
    let back = omar.post(&path, &[("lifetime", "unused:never")]).await;
    assert_eq!(back.status, 303);
    let page = omar.get("/admin/clients/billing").await;
    assert!(!page.text().contains("1 day after its last use"));
}

#[tokio::test]
async fn networks_are_typed_on_lines_and_shown_on_the_clients_page() {
    let test = portal().await;
    let mut omar = Browser::of(&test, "omar").await;
    let fields = [
        ("client_id", CLIENT),
        ("client_secret_post", "yes"),
        ("allowed_networks", "2001:db8::1/32\r\n10.1.2.3/8\r\n"),
    ];
    let made = omar.post("/admin/new-client", &fields).await;
    assert!(made.status < 400, "{}", made.text());
    let client = find(&test, CLIENT).await;
    assert_eq!(
        client.allowed_networks.to_string(),
        "10.0.0.0/8 2001:db8::/32"
    );

    let page = omar.get("/admin/clients/billing").await;
    let form = omar.get("/admin/clients/billing/edit").await;
    assert!(
        page.text()
            .contains("<code>10.0.0.0/8 2001:db8::/32</code>")
    );
    assert!(
        form.text()
            .contains("\n10.0.0.0/8\n2001:db8::/32</textarea>")
    );

    let version = hidden(&form, "version");
    for (typed, status) in [("10.0.0.0/33", 422), ("192.0.2.7", 303)] {
        let fields = [
            ("version", version.as_str()),
            ("client_secret_post", "yes"),
            ("allowed_networks", typed),
        ];
        let answer = omar.post("/admin/clients/billing/edit", &fields).await;
        assert_eq!(answer.status, status, "{typed}");
        assert!(
            status == 303
                || answer
                    .text()
                    .contains("<code>10.0.0.0/33</code> is not a network")
        );
    }
    let form = omar.get("/admin/clients/billing/edit").await;
    let version = hidden(&form, "version");
    let fields = [("version", version.as_str()), ("client_secret_post", "yes")];
    omar.post("/admin/clients/billing/edit", &fields).await;
    assert!(find(&test, CLIENT).await.allowed_networks.is_empty());
    let page = omar.get("/admin/clients/billing").await;
    assert!(page.text().contains("any</span>"));
}

#[tokio::test]
async fn the_list_has_only_those_with_a_scope_when_one_is_named() {
    let test = portal().await;
    for (name, scopes) in [("reader", "read"), ("writer", "read write")] {
        let new = NewClient {
            client_id: Some(id(name)),
            scopes: Scope::parse(scopes).unwrap(),
            ..NewClient::default()
        };
        test.register(new).await;
    }
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera
        .get("/admin/clients?prefix=&scope=write&status=&order=newest")
        .await;

    assert!(page.text().contains(">writer<") && !page.text().contains(">reader<"));
    let none = vera.get("/admin/clients?scope=wri").await;
    assert!(none.text().contains("No client matches the search"));
    assert_eq!(vera.get("/admin/clients?scope=a+b").await.status, 400);
}

#[tokio::test]
async fn a_client_of_a_file_says_so_and_is_released() {
    let test = portal().await;
    let file = "version: 1\nname: team.yaml\nclients:\n  - client_id: kept\n";
    let manifest =
        token_server::app::clients::transfer::apply::Manifest::parse(file.as_bytes(), None)
            .unwrap();
    let options = token_server::app::clients::transfer::apply::ApplyOptions::default();
    test.app
        .clients
        .apply(BY, &manifest, options, &mut |_| Ok(()))
        .await
        .unwrap();
    let mut vera = Browser::of(&test, "vera").await;
    let seen = vera.get("/admin/clients/kept").await;
    assert!(seen.text().contains("team.yaml") && !seen.text().contains("/release"));
    let refused = vera.post("/admin/clients/kept/release", &[]).await;
    assert_eq!(refused.status, 403);

    let mut omar = Browser::of(&test, "omar").await;
    let done = omar.post("/admin/clients/kept/release", &[]).await;

    assert_eq!(done.header("location"), "/admin/clients/kept?done=released");
    let page = omar.get("/admin/clients/kept?done=released").await;
    assert!(page.text().contains("Client detached from its manifest."));
    assert!(!page.text().contains("team.yaml"));
    assert_eq!(find(&test, "kept").await.managed_by, None);
}

#[tokio::test]
async fn the_page_of_a_client_draws_what_it_did() {
    let test = portal().await;
    let secret = test.client().await;
    for _ in 0..3 {
        test.token(&secret).await;
    }
    test.app.write_usage().await.unwrap();
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera.get("/admin/clients/billing").await;

    assert!(page.text().contains("3 in all, at most 3 in an hour."));
}
