//! SECRET is rotated by the shell lines of docs/secrets.md, for each of the ways in which token-server is deployed.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::page::{Block, blocks};
use super::site::{SERVERS, Site, copy, lines};
use super::{register, worked};
use crate::harness::SECRET;

const PAGE: &str = "docs/secrets.md";

/// After each restart both servers serve, and no token is refused before the last block but one.
async fn rotate(site: &Site, heading: &str) {
    let secret = register(&site.shell, &[], "billing");
    let old = site.callers[0].token("billing", &secret).await;
    let steps = blocks(PAGE, heading);
    let mut ended = false;
    for step in &steps {
        let servers = if step.is_for_each() { 2 } else { 1 };
        for server in 0..servers {
            for line in &step.lines {
                let printed = site.run(server, line);
                check(line, &printed);
                if !restarts(line) {
                    continue;
                }
                site.agree(line, &secret).await;
                // Under HS256 the old secret signed it. The third step drops that from one server after the other.
                ended |= drops_the_old_secret(step);
                if !ended {
                    site.judge(line, &old, 200).await;
                }
            }
        }
    }
    site.judge("the last line", &old, 401).await;
    let token = site.callers[0].token("billing", &secret).await;
    site.judge("the last line", &token, 200).await;
}

/// Others change files, and nothing of what runs.
fn restarts(line: &str) -> bool {
    let commands = ["systemctl restart ", "docker compose up ", "kubectl apply "];
    commands.iter().any(|command| line.starts_with(command))
}

fn drops_the_old_secret(step: &Block) -> bool {
    let drops = |line: &String| line.contains("SECRET_PREVIOUS_FILE=/d'");
    step.lines.iter().any(drops) && !step.lines.iter().any(|line| line.starts_with("printf"))
}

/// What the page says of the checks.
fn check(line: &str, printed: &str) {
    if line.ends_with("/readyz") {
        assert!(printed.contains("\"ready\""), "{line}: {printed}");
    }
    if line.ends_with(" check") {
        assert!(!printed.contains("FAIL"), "{line}: {printed}");
    }
    if line.contains("audit verify") {
        assert!(printed.contains("good: "), "{line}: {printed}");
    }
}

/// Which secret is in force is known by its text alone.
fn assert_renewed(secret: &str) {
    assert_ne!(secret.trim(), SECRET);
    assert_eq!(secret.trim().len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secret_is_rotated_by_the_lines_for_systemd() {
    let site = Site::new(&[]).await;
    for (server, name) in SERVERS.iter().enumerate() {
        site.write(&format!("{name}/secret"), SECRET);
        let file = site.path(&format!("{name}/secret"));
        let settings = [
            ("DATABASE_URL", site.shell.database_url()),
            ("SECRET_FILE", file.to_str().unwrap()),
        ];
        site.write(&format!("{name}/env"), &lines(&settings));
        site.run(server, "systemctl start token-server");
    }

    rotate(&site, "### systemd").await;

    let [a, b] = SERVERS.map(|name| {
        assert!(!site.path(&format!("{name}/secret.new")).exists());
        let env = fs::read_to_string(site.path(&format!("{name}/env"))).unwrap();
        assert_eq!(env.lines().count(), 2, "{env}");
        fs::read_to_string(site.path(&format!("{name}/secret"))).unwrap()
    });
    assert_eq!(a, b);
    assert_renewed(&a);
}

/// `None` on SQLite, which these do not use.
async fn on_postgres(settings: &[(&str, &str)]) -> Option<Site> {
    let site = Site::new(settings).await;
    (!site.shell.database_url().starts_with("sqlite:")).then_some(site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secret_is_rotated_by_the_lines_for_compose() {
    let Some(site) = on_postgres(&[]).await else {
        return;
    };
    copy(Path::new("deploy/compose"), site.shell.path());
    fs::create_dir(site.path("secrets")).unwrap();
    site.write("secrets/secret", SECRET);
    site.write("secrets/database-url", site.shell.database_url());
    for name in ["cert.pem", "key.pem"] {
        fs::copy(
            site.path(&format!("certs/{name}")),
            site.path(&format!("secrets/{name}")),
        )
        .unwrap();
    }
    worked(&Command::new(site.path("prepare")).output().unwrap());
    site.run(0, "docker compose run --rm -T cli client list");
    for name in SERVERS {
        fs::copy(
            site.path("compose.settings"),
            site.path(&format!("{name}.settings")),
        )
        .unwrap();
    }
    site.start();

    rotate(&site, "### Compose").await;

    assert_renewed(&fs::read_to_string(site.path("secrets/secret")).unwrap());
    assert_eq!(
        fs::read_to_string(site.path("secrets/secret-next")).unwrap(),
        ""
    );
    assert_eq!(fs::read_to_string(site.path(".env")).unwrap(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secret_is_rotated_by_the_lines_for_kubernetes() {
    let Some(site) = on_postgres(&[]).await else {
        return;
    };
    let folder = site.path("deploy/kubernetes");
    copy(Path::new("deploy/kubernetes"), &folder);
    let file = folder.join("kustomization.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("https://tokens.example.com", "https://localhost:2600");
    // As many as a machine with few descriptors allows.
    let text = text.replace("MAX_CONNECTIONS=5000", "MAX_CONNECTIONS=500");
    fs::write(&file, &text).unwrap();
    fs::create_dir(site.path("tls")).unwrap();
    fs::copy(site.path("certs/cert.pem"), site.path("tls/tls.crt")).unwrap();
    fs::copy(site.path("certs/key.pem"), site.path("tls/tls.key")).unwrap();
    let data = |text: &str| BASE64_STANDARD.encode(text);
    let (secret, url) = (data(SECRET), data(site.shell.database_url()));
    let made = format!(r#"{{"data":{{"SECRET":"{secret}","DATABASE_URL":"{url}"}}}}"#);
    site.write("secret.json", &made);
    site.run(0, "kubectl patch secret token-server -p '{}'");
    // Two pods that the first `apply` replaces.
    for name in SERVERS {
        let mounted = site.path("mounted");
        let settings = [
            (
                "SECRET_FILE",
                &*mounted.join("SECRET").display().to_string(),
            ),
            (
                "DATABASE_URL_FILE",
                &mounted.join("DATABASE_URL").display().to_string(),
            ),
        ];
        site.write(&format!("{name}.settings"), &lines(&settings));
    }
    site.start();
    site.run(0, "kubectl apply -k deploy/kubernetes");

    rotate(&site, "### Kubernetes").await;

    let mounted = fs::read_to_string(site.path("mounted/SECRET")).unwrap();
    assert_renewed(&mounted);
    assert!(!site.path("mounted/NEXT").exists());
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}
