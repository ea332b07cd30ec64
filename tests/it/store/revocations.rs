use std::collections::HashSet;

use token_server::base::clock::UnixTime;
use token_server::domain::{
    ClientCutoff, ClientStatus, Revocation, RevocationId, Revoked, TokenId,
};
use token_server::store::{ClientRevoked, Store};

use super::{ANY, id, insert_missing, record};
use crate::harness::{BY, NOW, TestApp};

const DAY: i64 = 86_400;

fn token(n: u128) -> TokenId {
    TokenId::parse(&format!("{n:032x}")).unwrap()
}

async fn list(store: &Store, after: i64) -> Vec<Revocation> {
    store
        .list_revocations(RevocationId(after), 1_000)
        .await
        .unwrap()
}

async fn with_client(client_id: &str) -> TestApp {
    let test = TestApp::new().await;
    let mut record = record(client_id);
    record.secrets.clear();
    test.app
        .store()
        .insert_client(&record, ANY, BY.at(NOW))
        .await
        .unwrap();
    test
}

fn cut(done: &ClientRevoked) -> ClientCutoff {
    if let ClientRevoked::Revoked(revocation) = done
        && let Revoked::Client(cut) = revocation.revoked
    {
        cut
    } else {
        panic!("{done:?}")
    }
}

#[tokio::test]
async fn a_revoked_token_is_listed_once_however_often_it_is_revoked() {
    let test = TestApp::new().await;
    let store = test.app.store();

    for now in [100, 101, 100] {
        store
            .revoke_token(token(7), &id("a"), UnixTime(200), BY.at(UnixTime(now)))
            .await
            .unwrap();
    }

    let listed = list(store, 0).await;
    let expected = Revocation {
        revocation_id: listed[0].revocation_id,
        client_id: id("a"),
        revoked: Revoked::Token(token(7)),
        revoked_at: UnixTime(100),
        expires_at: UnixTime(200),
    };
    assert_eq!(listed, [expected]);
}

#[tokio::test]
async fn revocations_are_paged_in_the_order_in_which_they_were_made_whatever_the_clock_says() {
    let test = TestApp::new().await;
    let store = test.app.store();
    // The third comes of a replica whose clock is behind.
    for (n, now) in [(1, 100), (2, 105), (3, 95), (4, 105)] {
        store
            .revoke_token(token(n), &id("a"), UnixTime(200), BY.at(UnixTime(now)))
            .await
            .unwrap();
    }

    let first = store.list_revocations(RevocationId(0), 3).await.unwrap();
    let rest = list(store, first[2].revocation_id.0).await;

    let names = |list: &[Revocation]| list.iter().map(|one| one.revoked).collect::<Vec<_>>();
    assert_eq!(names(&first), [1, 2, 3].map(|n| Revoked::Token(token(n))));
    assert_eq!(names(&rest), [Revoked::Token(token(4))]);
}

#[tokio::test]
async fn an_id_is_later_than_any_that_was_given_in_a_second_before() {
    let test = TestApp::new().await;
    let store = test.app.store();

    store
        .revoke_token(token(1), &id("a"), UnixTime(200), BY.at(UnixTime(100)))
        .await
        .unwrap();

    // So that revocations lost in a fail-over had earlier ids than those made after it.
    assert!(list(store, 99_999_999).await.len() == 1 && list(store, 101_000_000).await.is_empty());
}

/// Many revoke at once, through pools of their own, while one reads on from the last that it saw: it must
/// miss none, though their transactions begin and end in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_on_from_the_last_id_misses_nothing() {
    const WRITERS: u128 = 6;
    const EACH: u128 = 25;
    let test = TestApp::new().await;
    let other = TestApp::on(test.database.clone(), &[]).await;
    let writing = (0..WRITERS).map(|writer| {
        let store = [&test, &other][usize::from(writer % 2 == 1)]
            .app
            .store()
            .clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                let name = token(writer * EACH + n);
                store
                    .revoke_token(name, &id("a"), UnixTime(200), BY.at(UnixTime(100)))
                    .await
                    .unwrap();
            }
        })
    });
    let writing: Vec<_> = writing.collect();

    let mut seen = HashSet::new();
    let mut last = 0;
    loop {
        let done = writing.iter().all(tokio::task::JoinHandle::is_finished);
        for one in list(test.app.store(), last).await {
            last = one.revocation_id.0;
            assert!(seen.insert(one.revoked_token()));
        }
        if done {
            break;
        }
    }

    assert_eq!(seen.len(), usize::try_from(WRITERS * EACH).unwrap());
}

trait Token {
    fn revoked_token(&self) -> TokenId;
}

impl Token for Revocation {
    fn revoked_token(&self) -> TokenId {
        match self.revoked {
            Revoked::Token(token) => token,
            Revoked::Client(cut) => panic!("{cut:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_has_one_cut_off_which_never_moves_back() {
    let test = with_client("a").await;
    let store = test.app.store();
    let revoke = async |cutoff: i64, now: i64| {
        let done = store
            .revoke_client_tokens(&id("a"), UnixTime(cutoff), BY.at(UnixTime(now)))
            .await;
        cut(&done.unwrap())
    };

    assert_eq!(revoke(100, 100).await.cutoff, UnixTime(100));
    assert_eq!(revoke(95, 95).await.cutoff, UnixTime(100));
    assert_eq!(revoke(101, 101).await.cutoff, UnixTime(101));

    let listed = list(store, 0).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].expires_at, UnixTime(101 + DAY));
    assert_eq!(
        store
            .revoke_client_tokens(&id("b"), UnixTime(1), BY.at(UnixTime(1)))
            .await
            .unwrap(),
        ClientRevoked::NoClient
    );
}

#[tokio::test]
async fn switching_a_client_off_and_on_leaves_a_cut_off_and_comes_last_in_the_list() {
    let test = with_client("a").await;
    let store = test.app.store();
    let switch = async |status, cutoff, now| {
        store
            .set_client_status(&id("a"), status, UnixTime(cutoff), BY.at(UnixTime(now)))
            .await
            .unwrap()
    };

    let off = switch(ClientStatus::Disabled, 105, 100).await;
    store
        .revoke_token(token(1), &id("b"), UnixTime(200), BY.at(UnixTime(101)))
        .await
        .unwrap();
    let revoked_while_off = store
        .revoke_client_tokens(&id("a"), UnixTime(101), BY.at(UnixTime(101)))
        .await
        .unwrap();
    let on = switch(ClientStatus::Enabled, 102, 102).await;
    let still_on = switch(ClientStatus::Enabled, 103, 103).await;

    let at_105 = |disabled| ClientCutoff {
        cutoff: UnixTime(105),
        disabled,
    };
    assert_eq!(cut(&off), at_105(true));
    assert_eq!(cut(&revoked_while_off), at_105(true));
    assert_eq!(cut(&on), at_105(false));
    assert_eq!(still_on, ClientRevoked::Unchanged);
    let listed = list(store, 0).await;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1].revoked, Revoked::Client(at_105(false)));
    assert_eq!(listed[1].expires_at, UnixTime(105 + 2 * DAY));
}

#[tokio::test]
async fn a_status_of_no_client_revokes_nothing() {
    let test = TestApp::new().await;
    let store = test.app.store();

    for status in [ClientStatus::Disabled, ClientStatus::Enabled] {
        let done = store
            .set_client_status(&id("a"), status, UnixTime(1), BY.at(UnixTime(1)))
            .await;
        assert_eq!(done.unwrap(), ClientRevoked::NoClient);
    }

    assert!(list(store, 0).await.is_empty());
}

#[tokio::test]
async fn a_deleted_client_is_cut_off_until_one_of_its_id_is_inserted() {
    let test = with_client("a").await;
    let store = test.app.store();

    let deleted = store
        .delete_client(&id("a"), UnixTime(105), ANY, BY.at(UnixTime(100)))
        .await
        .unwrap();
    assert!(cut(&deleted).disabled);
    let (mut new, mut other) = (record("a"), record("b"));
    new.client.created_at = UnixTime(300);
    other.secrets.clear();
    insert_missing(store, vec![other, new]).await.unwrap();

    let listed = list(store, 0).await;
    let expected = ClientCutoff {
        cutoff: UnixTime(300),
        disabled: false,
    };
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].revoked, Revoked::Client(expected));
}

#[tokio::test]
async fn revocations_are_removed_in_batches_and_only_those_whose_tokens_have_expired() {
    let test = TestApp::new().await;
    let store = test.app.store();
    for (n, end) in [(1, 300), (2, 200), (3, 199), (4, 100)] {
        store
            .revoke_token(token(n), &id("a"), UnixTime(end), BY.at(UnixTime(10)))
            .await
            .unwrap();
    }
    let end = test.trusted(UnixTime(200)).await;
    let delete = async |limit| store.delete_revocations(end, limit).await.unwrap();

    assert_eq!(delete(2).await, 2);
    assert_eq!(delete(2).await, 1);
    assert_eq!(delete(2).await, 0);

    let left = list(store, 0).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].expires_at, UnixTime(300));
}
