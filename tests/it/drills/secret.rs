//! SECRET and the password of the database are replaced while two replicas serve: docs/secrets.md.

use super::{Server, Settings, done, register, run};
use crate::harness::{SECRET, Shell};

/// Two replicas under the same settings, of which one is replaced after the other.
struct Pair {
    a: Server,
    b: Server,
}

impl Pair {
    fn start(shell: &Shell, settings: Settings<'_>) -> Self {
        let a = Server::start(shell, "a", settings);
        let b = Server::start(shell, "b", settings);
        Self { a, b }
    }

    /// Restarts them one after the other. Meanwhile each accepts what the other issues, and both can change things.
    async fn restart(self, shell: &Shell, settings: Settings<'_>, secret: &str) -> Self {
        self.a.stop().await;
        let a = Server::start(shell, "a", settings);
        let pair = Self { a, b: self.b };
        pair.agree(secret).await;
        pair.b.stop().await;
        let b = Server::start(shell, "b", settings);
        let pair = Self { a: pair.a, b };
        pair.agree(secret).await;
        pair
    }

    async fn agree(&self, secret: &str) {
        for (issuing, other) in [(&self.a, &self.b), (&self.b, &self.a)] {
            let token = issuing.token("billing", secret).await;
            assert_eq!(other.verify(&token).await, 200);
            assert_eq!(other.revoke("billing", secret, &token).await, 200);
            assert_eq!(other.verify(&token).await, 401);
            assert_eq!(issuing.readiness().await, "ready");
        }
    }

    async fn assert_good(&self, token: &str) {
        assert_eq!(self.a.verify(token).await, 200);
        assert_eq!(self.b.verify(token).await, 200);
    }
}

async fn rotate(algorithm: &str) {
    let shell = Shell::migrated().await;
    shell.certificate();
    let new = done(&shell, &[], &["secret", "new"]).out;
    let new = new.trim();
    let alg = ("SIGNING_ALG", algorithm);
    let before = [alg, ("SECRET", SECRET)];
    let step_1 = [alg, ("SECRET", SECRET), ("SECRET_PREVIOUS", new)];
    let step_2 = [alg, ("SECRET", new), ("SECRET_PREVIOUS", SECRET)];
    let step_3 = [alg, ("SECRET", new)];
    let secret = register(&shell, &before, "billing");
    let pair = Pair::start(&shell, &before);
    let old = pair.a.token("billing", &secret).await;

    let pair = pair.restart(&shell, &step_1, &secret).await;
    assert_ne!(run(&shell, &step_1, &["check"]).code, 2);
    pair.assert_good(&old).await;
    register(&shell, &step_1, "during-1");

    let without_previous = ["audit", "verify", "--without-previous"];
    done(&shell, &step_2, &["audit", "verify"]);
    let early = run(&shell, &step_2, &without_previous);
    assert_eq!(early.code, 1, "{early:?}");

    let pair = pair.restart(&shell, &step_2, &secret).await;
    pair.assert_good(&old).await;
    register(&shell, &step_2, "during-2");
    let fresh = pair.a.token("billing", &secret).await;
    // The check before the last step.
    done(&shell, &step_2, &without_previous);
    done(&shell, &step_3, &["audit", "verify"]);

    let pair = pair.restart(&shell, &step_3, &secret).await;
    pair.assert_good(&fresh).await;
    register(&shell, &step_3, "after");
    let verified = done(&shell, &step_3, &["audit", "verify"]);
    assert!(!verified.out.contains("broken"), "{verified:?}");
    let events = done(&shell, &step_3, &["audit", "list"]);
    assert!(events.out.contains("audit.key_change"), "{events:?}");
    // Under HS256 the old secret signed it; under the others a key did, which is the same.
    let status = if algorithm == "HS256" { 401 } else { 200 };
    assert_eq!(pair.b.verify(&old).await, status);
    pair.a.stop().await;
    pair.b.stop().await;
}

#[tokio::test]
async fn secret_is_rotated_in_three_steps_and_no_token_is_refused_before_the_last() {
    rotate("HS256").await;
}

#[tokio::test]
async fn secret_is_rotated_under_key_pairs_and_no_token_is_refused() {
    rotate("ES256").await;
}

#[tokio::test]
async fn secret_new_prints_a_secret_that_is_taken_and_nothing_else() {
    let shell = Shell::migrated().await;
    let command = |arguments: &[&str]| {
        let mut command = shell.command(arguments);
        command.env_clear().output().unwrap()
    };
    let made = [(); 2].map(|()| command(&["secret", "new"]));
    let [one, other] = made.map(|output| {
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        String::from_utf8(output.stdout).unwrap()
    });

    assert_ne!(one, other);
    let secret = one.strip_suffix('\n').unwrap();
    assert_eq!(secret.len(), 64);
    assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    done(&shell, &[("SECRET", secret)], &["client", "list"]);
}
