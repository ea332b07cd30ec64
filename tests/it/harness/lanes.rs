//! The lanes of hashing, and work that fills them.

use std::time::Duration;

use futures_util::poll;
use token_server::app::AdminLogIn;
use token_server::base::secret::Secret;

use super::TestApp;

/// Work that outlasts every test.
pub(crate) const ENDLESS: (&str, &str) = ("ARGON2_CHOSEN", "m=65536,t=64,p=1");

pub(crate) const ONE_PLACE: (&str, &str) = ("HASHING_QUEUE", "1");

pub(crate) const LANES: [&str; 3] = ["generated", "chosen", "portal"];

/// Hashes of each lane that were begun, and those that wait.
pub(crate) fn lanes(test: &TestApp) -> [(u64, usize); 3] {
    let metrics = test.app.metrics();
    let [hashing @ .., _signing] = metrics.lanes;
    assert_eq!(hashing.map(|lane| lane.name), LANES);
    hashing.map(|lane| (lane.waited.count(), lane.queue))
}

/// Drives `call` until the lane of this number is in this state: so many hashes begun, so many waiting.
pub(crate) async fn drive(
    test: &TestApp,
    call: &mut (impl Future + Unpin),
    lane: usize,
    state: (u64, usize),
) {
    while lanes(test)[lane] != state {
        assert!(poll!(&mut *call).is_pending(), "it ended");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) fn admin_log_in(password: &str) -> AdminLogIn {
    AdminLogIn {
        name: "olga".to_owned(),
        password: Secret::from(password),
        source: "192.0.2.9".parse().unwrap(),
        user_agent: String::new(),
    }
}
