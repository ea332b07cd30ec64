//! Owns that TLS handshakes take turns with the requests of their thread. One step of a handshake takes the time of some
//! twenty requests, and a runtime runs 61 ready tasks before it looks for what else became ready: a burst of new connections
//! would make every request wait for dozens of steps. Here one step runs, then all that is ready, then the next step.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::pending;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// The turns of one runtime. Handshakes get them in the order in which they ask.
#[derive(Clone)]
pub(super) struct HandshakeTurns(Arc<Semaphore>);

impl HandshakeTurns {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Runs a handshake, each step of it in a turn of its own. While it waits for its peer it holds no turn.
    pub(super) async fn run<F: Future>(&self, handshake: F) -> F::Output {
        let mut handshake = pin!(handshake);
        loop {
            // Never closed; without a turn a handshake is only less fair.
            let turn = self.0.acquire().await.ok();
            // Wakes this task after the runtime has run what is ready and asked the sockets.
            yield_now().await;
            let step = poll_fn(|context| Poll::Ready(handshake.as_mut().poll(context))).await;
            drop(turn);
            match step {
                Poll::Ready(output) => return output,
                // Until the task is woken, by what the step registered for.
                Poll::Pending => pending!(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn between_two_steps_the_tasks_that_are_ready_run() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let turns = HandshakeTurns::new();
        let mut tasks: Vec<_> = (0..6)
            .map(|_| {
                let (turns, order) = (turns.clone(), Arc::clone(&order));
                tokio::spawn(async move {
                    turns
                        .run(async { order.lock().unwrap().push("step") })
                        .await;
                })
            })
            .collect();
        let log = Arc::clone(&order);
        tasks.push(tokio::spawn(async move {
            for _ in 0..12 {
                log.lock().unwrap().push("request");
                yield_now().await;
            }
        }));
        for task in tasks {
            task.await.unwrap();
        }
        let order = order.lock().unwrap();
        assert_eq!(order.iter().filter(|it| **it == "step").count(), 6);
        // The last of a round and the first of the next one may be both a step.
        let steps_only = |tasks: &[&str]| tasks.iter().all(|it| *it == "step");
        assert!(!order.windows(3).any(steps_only), "{order:?}");
    }

    #[tokio::test]
    async fn a_handshake_that_waits_for_its_peer_holds_no_turn() {
        let turns = HandshakeTurns::new();
        let answer = Arc::new(Notify::new());
        let waiting = tokio::spawn({
            let (turns, answer) = (turns.clone(), Arc::clone(&answer));
            async move { turns.run(answer.notified()).await }
        });
        for _ in 0..3 {
            turns.run(yield_now()).await;
        }
        assert!(!waiting.is_finished());
        answer.notify_one();
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_handshake_that_is_given_up_leaves_its_turn_to_the_next() {
        let turns = HandshakeTurns::new();
        let given_up = tokio::spawn({
            let turns = turns.clone();
            async move { turns.run(std::future::pending::<()>()).await }
        });
        yield_now().await;
        given_up.abort();
        turns.run(async {}).await;
    }
}
