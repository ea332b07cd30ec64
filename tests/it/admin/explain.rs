//! The page that explains.

use serde_json::json;
use token_server::domain::ClientStatus;

use super::{Browser, portal};
use crate::harness::{CLIENT, NOW, id};

#[tokio::test]
async fn a_viewer_sees_the_token_or_why_there_would_be_none() {
    let test = portal().await;
    test.client().await;
    let mut vera = Browser::of(&test, "vera").await;

    let empty = vera.get("/admin/explain").await;
    let granted = vera
        .get("/admin/explain?client_id=billing&scope=read&audience=")
        .await;
    let refused = vera
        .get("/admin/explain?client_id=billing&scope=%3Cb%3E")
        .await;
    let unknown = vera.get("/admin/explain?client_id=nobody").await;

    assert_eq!((empty.status, granted.status), (200, 200));
    assert!(granted.text().contains("&#34;scope&#34;: &#34;read&#34;"));
    assert!(granted.text().contains(">granted</span>"));
    assert!(
        !granted.text().contains("eyJ0eXAi"),
        "no signed token is shown"
    );
    assert!(refused.text().contains("<code>invalid_scope</code>"));
    assert!(!refused.text().contains("<b>"));
    assert!(unknown.text().contains("unknown client"));
}

#[tokio::test]
async fn the_id_of_an_answer_leads_to_the_true_reason() {
    let test = portal().await;
    let secret = test.client().await;
    let id = id(CLIENT);
    let disabled = ClientStatus::Disabled;
    test.set_client_status(&id, disabled).await;
    let answer = test.authorize(CLIENT, &secret).await;
    let request_id = answer.header("x-request-id").to_owned();
    let mut vera = Browser::of(&test, "vera").await;

    let path = format!("/admin/explain?request_id={request_id}");
    let page = vera.get(&path).await;
    let of_client = vera.get("/admin/explain?client_id=billing").await;
    let nothing = vera.get("/admin/explain?request_id=none").await;

    for part in ["the client is disabled", "192.0.2.1", &request_id] {
        assert!(page.text().contains(part), "{part}");
    }
    assert!(page.text().contains("href=\"/admin/clients/billing\""));
    assert!(of_client.text().contains("the client is disabled"));
    assert_eq!(nothing.status, 404);
    assert!(nothing.text().contains("the log has every request"));
}

#[tokio::test]
async fn what_was_rejected_last_is_there_without_a_question_each_with_a_way_to_mend_it() {
    let test = portal().await;
    let secret = test.client().await;
    let form = [
        ("client_id", CLIENT),
        ("client_secret", &secret),
        ("grant_type", "client_credentials"),
        ("scope", "nothing"),
    ];
    let wrong = test.post_form("/token", &form).await;
    assert_eq!(wrong.json()["error"], "invalid_scope");
    test.authorize("billlng", &secret).await;
    // Half of them are written, half are not.
    test.app.audit.write_rejected_requests().await.unwrap();
    test.clock.advance(1);
    test.authorize(CLIENT, "a wrong secret, and a long one")
        .await;
    let mut vera = Browser::of(&test, "vera").await;

    let page = vera.get("/admin/explain").await;

    let (_, table) = page.text().split_once("<tbody>").unwrap();
    let rows: Vec<&str> = table.split("</tr>").collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert!(
        rows[0].contains("href=\"/admin/clients/billing#secrets\""),
        "{table}"
    );
    assert!(
        table.contains("href=\"/admin/clients/billing/edit#scopes\""),
        "{table}"
    );
    assert!(
        table.contains("href=\"/admin/clients?prefix=b\""),
        "{table}"
    );
    assert!(
        table.contains("href=\"/admin/explain?client_id=billing\""),
        "{table}"
    );
    let (first, second) = page.text().split_once("id=\"client_id\"").unwrap();
    assert!(first.contains("id=\"request_id\"") && !second.contains("id=\"request_id\""));
}

#[tokio::test]
async fn an_assertion_is_explained_rule_by_rule_and_not_shown_again() {
    let test = portal().await;
    let signer = crate::harness::Signer::new("ES256");
    let keys: serde_json::Value = token_server::base::json::from_str(&signer.jwks("k")).unwrap();
    let issuer = json!({"name": "ci", "issuer": "https://ci.test", "jwks": keys});
    crate::harness::workload::add(&test.app, &issuer).await;
    let identities = json!([{"issuer": "ci", "subject": "job"}]);
    crate::harness::workload::register(&test, "workload", &identities).await;
    let sign = |sub: &str| {
        let claims = json!({"iss": "https://ci.test", "sub": sub, "aud": "https://tokens.test", "iat": NOW.0,
            "exp": NOW.0 + 60, "jti": sub});
        signer.sign(json!({"kid": "k"}), &claims)
    };
    let mut vera = Browser::of(&test, "vera").await;
    assert!(
        vera.get("/admin/explain")
            .await
            .text()
            .contains("/admin/explain/assertion")
    );
    let path = "/admin/explain/assertion";
    assert!(vera.get(path).await.text().contains("request_id"));

    let right = sign("job");
    let wrong = sign("<b>job</b>");
    let explained = vera.post(path, &[("assertion", &right)]).await;
    assert_eq!(explained.status, 200);
    for told in [
        ">accepted</span>",
        "href=\"/admin/clients/workload\"",
        "valid once",
        ">passed</span>",
    ] {
        assert!(
            explained.text().contains(told),
            "{told}: {}",
            explained.text()
        );
    }
    let fields = [("assertion", wrong.as_str()), ("client_id", "workload")];
    let refused = vera.post(path, &fields).await;
    for told in [">refused</span>", ">failed</span>", "&#60;b&#62;job"] {
        assert!(refused.text().contains(told), "{told}: {}", refused.text());
    }
    assert!(!refused.text().contains("<b>job"));
    for (page, token) in [(&explained, &right), (&refused, &wrong)] {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!page.text().contains(signature));
    }
    // It is not used up.
    assert_eq!(
        crate::harness::workload::present(&test, &right, None)
            .await
            .status,
        200
    );
    let empty = vera.post(path, &[("assertion", "")]).await;
    assert!(empty.status >= 400 && empty.text().contains("role=\"alert\""));
}
