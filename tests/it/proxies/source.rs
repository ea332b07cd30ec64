//! HAProxy of `deploy/compose`, which says whose its connections are (`send-proxy-v2`), before a real token-server.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tempfile::TempDir;

use super::balancer::BALANCER;
use super::scene::proxy::{Place, Running};
use crate::harness::{CLIENT, Served};

struct Scene {
    served: Served,
    balancer: Running,
    port: u16,
    _folder: TempDir,
}

impl Scene {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let required = [
            ("PROXY_PROTOCOL", "required"),
            ("TRUSTED_PROXIES", "127.0.0.1"),
        ];
        let served = Served::start(&[&required, settings].concat()).await;
        let folder = TempDir::new().unwrap();
        let place = Place {
            examples: BALANCER.examples,
            folder: folder.path().to_owned(),
            port: crate::clients::free_port(),
            token_server: served.address.port(),
            service: served.address.port(),
        };
        let scene = Self {
            balancer: Running::start(&BALANCER, &place),
            port: place.port,
            served,
            _folder: folder,
        };
        // Another process, which is waited for in real time.
        for _ in 0..1_000 {
            if scene.try_log_in([127, 0, 0, 9], "").await.is_ok() {
                return scene;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("HAProxy did not come up: {}", scene.balancer.log());
    }

    /// A login from one of this machine's own addresses.
    async fn try_log_in(&self, from: [u8; 4], secret: &str) -> reqwest::Result<u16> {
        let balancer = SocketAddr::from(([127, 0, 0, 1], self.port));
        let client = self.served.client().no_proxy();
        let client = client
            .local_address(IpAddr::from(from))
            .resolve("localhost", balancer);
        let form = [("client_id", CLIENT), ("client_secret", secret)];
        let url = format!("https://localhost:{}/authorize", self.port);
        let answer = client.build()?.post(url).form(&form).send().await?;
        Ok(answer.status().as_u16())
    }

    async fn log_in(&self, from: [u8; 4], secret: &str) -> u16 {
        self.try_log_in(from, secret).await.unwrap()
    }
}

#[tokio::test]
#[ignore = "interop"]
async fn behind_haproxy_each_caller_is_throttled_by_its_own_address() {
    let scene = Scene::new(&[("THROTTLE_SOURCE_FAILURES", "1")]).await;
    let secret = scene.served.test.client().await;
    assert_eq!(scene.log_in([127, 0, 0, 2], "wrong").await, 401);

    assert_eq!(scene.log_in([127, 0, 0, 2], &secret).await, 429);
    assert_eq!(scene.log_in([127, 0, 0, 3], &secret).await, 200);
}
