//! All issuers as one document: `issuer export` and `issuer import`.

use serde_json::{Value, json};
use token_server::app::{IssuerStep, IssuersDocument};
use token_server::domain::{Actor, AdminRole, IssuerName, IssuerStatus, Origin};

use super::{CLUSTER, Scene, add, key_set};
use crate::harness::{BY, Shell, Signer, TestApp, id};

fn document(issuers: &Value) -> IssuersDocument {
    let text = json!({"version": 1, "issuers": issuers}).to_string();
    token_server::base::json::from_str(&text).unwrap()
}

async fn import(test: &TestApp, issuers: &Value, dry_run: bool) -> Result<Vec<IssuerStep>, String> {
    let issuers = test.app.issuers.import(BY, document(issuers), dry_run);
    let imported = issuers
        .await
        .map_err(|error| error.description.into_owned())?;
    Ok(imported.into_iter().map(|it| it.step).collect())
}

async fn names(test: &TestApp) -> Vec<String> {
    let list = test.app.issuers.list().await.unwrap();
    list.iter().map(|it| it.issuer.name.to_string()).collect()
}

#[tokio::test]
async fn another_server_trusts_the_same_issuers_after_an_import() {
    let scene = Scene::new().await;
    let spiffe = json!({"name": "spire", "trust_domain": "acme.test", "bundle_endpoint": "https://spire.acme.test/",
        "replay": "allow", "max_lifetime": 600});
    add(&scene.test.app, &spiffe).await;
    let off = IssuerStatus::Disabled;
    let spire = IssuerName::parse("spire").unwrap();
    let issuers = &scene.test.app.issuers;
    issuers.set_status(BY, &spire, off).await.unwrap();
    let exported = json!(issuers.export().await.unwrap());
    assert_eq!(exported["issuers"].as_array().unwrap().len(), 2);

    let other = TestApp::new().await;
    let listed = &exported["issuers"];
    let steps = import(&other, listed, true).await.unwrap();
    assert_eq!(steps, [IssuerStep::Add, IssuerStep::Add]);
    assert!(names(&other).await.is_empty());
    import(&other, listed, false).await.unwrap();
    assert_eq!(json!(other.app.issuers.export().await.unwrap()), exported);
    let steps = import(&other, listed, false).await.unwrap();
    assert_eq!(steps, [IssuerStep::Unchanged, IssuerStep::Unchanged]);

    // What is left out is as for a new issuer; the status stays.
    let changed = json!([{"name": "spire", "trust_domain": "acme.test", "bundle_endpoint": "https://spire.acme.test/"}]);
    let steps = import(&other, &changed, false).await.unwrap();
    assert_eq!(steps, [IssuerStep::Change]);
    let found = other.app.issuers.find(&spire).await.unwrap().issuer;
    assert_eq!(found.max_lifetime.seconds(), 3_600);
    assert_eq!(found.status, off);
    assert_eq!(names(&other).await, ["k8s", "spire"]);
}

#[tokio::test]
async fn nothing_of_a_document_with_a_mistake_is_written() {
    let (test, signer) = (TestApp::new().await, Signer::new("ES256"));
    let there = json!({"name": "there", "issuer": "https://there.test", "jwks": key_set(&signer)});
    add(&test.app, &there).await;
    let good = json!({"name": "good", "issuer": "https://good.test"});
    for (bad, told) in [
        (json!({"name": "bad"}), "the issuer `bad`"),
        (good.clone(), "twice"),
        (
            json!({"name": "own", "issuer": "https://tokens.test"}),
            "this server",
        ),
        (json!({"name": "there", "issuer": CLUSTER}), "already"),
    ] {
        let refused = import(&test, &json!([good, bad]), false).await;
        let refused = refused.unwrap_err();
        assert!(refused.contains(told), "{told}: {refused}");
        assert_eq!(names(&test).await, ["there"]);
    }
    let version_2 = json!({"version": 2, "issuers": []}).to_string();
    let unknown: IssuersDocument = token_server::base::json::from_str(&version_2).unwrap();
    let refused = test.app.issuers.import(BY, unknown, false).await;
    assert!(refused.unwrap_err().description.contains("version 2"));
}

#[tokio::test]
async fn an_import_gives_nobody_more_than_a_write_does() {
    let (test, there) = (TestApp::new().await, "https://there.test");
    add(&test.app, &json!({"name": "there", "issuer": there})).await;
    let operator = Actor::Admin {
        name: "ann".to_owned(),
        role: Some(AdminRole::Operator),
    };
    let program = Actor::Client(id("robot"));
    let new = json!({"name": "new", "issuer": "https://new.test"});
    let changed = json!({"name": "there", "issuer": there, "replay": "allow"});
    let reaches = json!({"name": "there", "issuer": there, "private_addresses": true});
    for (actor, issuer) in [
        (&operator, &new),
        (&operator, &changed),
        (&program, &reaches),
    ] {
        let by = Origin {
            actor: actor.clone(),
            ..Origin::SERVER
        };
        let issuers = document(&json!([issuer]));
        let refused = test.app.issuers.import(&by, issuers, false).await;
        assert_eq!(
            refused.unwrap_err().code.as_str(),
            "access_denied",
            "{issuer}"
        );
    }
    let found = test.app.issuers.list().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].issuer.replay.to_string(), "once");
}

#[tokio::test]
async fn the_command_line_exports_and_imports_issuers() {
    let (one, other) = (Shell::migrated().await, Shell::migrated().await);
    let added = one.run(&[
        "issuer", "add", "k8s", "--issuer", CLUSTER, "--replay", "allow",
    ]);
    assert_eq!(added.code, 0, "{added:?}");
    let exported = one.run(&["issuer", "export"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    assert!(!exported.out.contains("created_at"), "{exported:?}");
    let file = one.run(&["issuer", "export", "--out", "issuers.json"]);
    assert_eq!(file.code, 0, "{file:?}");
    let written = std::fs::read_to_string(one.path().join("issuers.json")).unwrap();
    assert_eq!(written, exported.out);
    assert_ne!(
        one.run(&["issuer", "export", "--out", "issuers.json"]).code,
        0
    );

    std::fs::write(other.path().join("issuers.json"), &written).unwrap();
    let looked = other.run(&["issuer", "import", "issuers.json", "--dry-run", "--json"]);
    assert_eq!(
        looked.json()["issuers"],
        json!([{"name": "k8s", "step": "add"}])
    );
    assert_eq!(other.run(&["issuer", "show", "k8s"]).code, 3);
    let imported = other.run(&["issuer", "import", "issuers.json"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    let shown = other.run(&["issuer", "show", "k8s", "--json"]).json();
    assert_eq!(shown["replay"], "allow");

    std::fs::write(
        other.path().join("bad.json"),
        r#"{"version":1,"issuers":[{"nam":"a"}]}"#,
    )
    .unwrap();
    let refused = other.run(&["issuer", "import", "bad.json"]);
    assert!(
        refused.code == 2 && refused.err.contains("bad.json"),
        "{refused:?}"
    );
}
