//! Over HTTP/2 the response is whole before its stream is reset, and the connection serves others on.

use std::process::Command;

use super::{LARGE, MAX_BODY};
use crate::harness::Served;
use crate::metrics::operator;

#[tokio::test]
async fn every_large_body_gets_its_response_over_one_connection() {
    let served = Served::start(&[]).await;
    let client = served.client().build().unwrap();

    for n in 0..12 {
        let (path, status) = [("/authorize", 413), ("/nowhere", 413), ("/healthz", 413)][n % 3];
        let request = client.post(served.url(path)).body(vec![b'x'; LARGE]);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.text().await.unwrap().contains("content_too_large"));
    }
    for size in [1, 1_000, MAX_BODY] {
        let request = client.get(served.url("/verify")).body(vec![b'x'; size]);
        assert_eq!(request.send().await.unwrap().status(), 401);
        let request = client.post(served.url("/nowhere")).body(vec![b'x'; size]);
        assert_eq!(request.send().await.unwrap().status(), 404);
    }
    let accepted = "connections_accepted_total{listener=\"main\"}";
    assert_eq!(operator(&served).page().await.get(accepted), 1);
}

/// curl drops a response whose stream is reset before it has sent its body.
#[tokio::test]
async fn curl_sees_the_response_to_what_it_sends() {
    let served = Served::start(&[]).await;
    let large = served.folder.path().join("large");
    std::fs::write(&large, vec![b'x'; LARGE]).unwrap();

    for version in ["--http2", "--http1.1"] {
        for (method, path, status) in [
            ("POST", "/authorize", "413"),
            ("POST", "/nowhere", "413"),
            ("PUT", "/admin/api/v1/clients", "413"),
            ("GET", "/verify", "401"),
        ] {
            for header in ["x-none: 1", "transfer-encoding: chunked", "expect:"] {
                let got = curl(&served, version, header, method, path, &large).await;
                let is_chunked = header.starts_with("transfer");
                let refused = ["404", "405", "401"].iter().any(|it| got.ends_with(it));
                assert!(
                    got.ends_with(status) || (is_chunked && refused),
                    "{version} {header} {method} {path}: {got}"
                );
                assert!(got.contains("error_description"), "{got}");
            }
        }
    }
}

async fn curl(
    served: &Served,
    version: &str,
    header: &str,
    method: &str,
    path: &str,
    body: &std::path::Path,
) -> String {
    let mut command = Command::new("curl");
    command
        .args(["-sSk", "--max-time", "60", version, "-X", method])
        .args(["-H", header, "-w", "%{http_code}", "--data-binary"])
        .arg(format!("@{}", body.display()))
        .arg(served.url(path));
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let ran = run.await.unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        ran.status.success(),
        "{version} {header} {method} {path}: {said}"
    );
    String::from_utf8(ran.stdout).unwrap()
}
