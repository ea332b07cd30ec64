use futures_util::FutureExt;

use super::*;
use crate::domain::ErrorCode;

const KEY: &str = "a";

fn places(seats: usize) -> (Places<&'static str>, Clock) {
    let clock = Clock::fixed(UnixTime(1_000));
    (
        Places::new(60, clock.clone(), WaitingRoom::new(seats)),
        clock,
    )
}

fn enter<'a>(places: &'a Places<&'static str>, limit: u32) -> Result<Place<'a, &'static str>> {
    places.enter(&KEY, limit, None).now_or_never().unwrap()
}

fn is_empty(places: &Places<&'static str>) -> bool {
    let windows = places.windows();
    windows.by_key.is_empty() && windows.failing.is_empty()
}

#[test]
fn failures_use_up_the_places_until_the_window_ends() {
    let (places, clock) = places(0);
    enter(&places, 2).unwrap().fail();
    clock.advance(10);
    enter(&places, 2).unwrap().fail();
    clock.advance(10);

    let refused = enter(&places, 2).err().unwrap();

    assert_eq!(refused.retry_after, Some(40));
    assert!(refused.reason().contains("after 2 failures"));
    clock.advance(40);
    assert!(is_empty(&places));
    enter(&places, 2).unwrap().fail();
}

#[test]
fn an_attempt_waits_while_all_places_are_in_use_and_takes_the_first_that_is_given_back() {
    let (places, _) = places(1);
    let place = enter(&places, 1).unwrap();
    let mut waiting = Box::pin(places.enter(&KEY, 1, None));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(places.waiting("").waiting, 1);

    drop(place);

    drop(waiting.now_or_never().unwrap().unwrap());
    assert_eq!(places.waiting("").waiting, 0);
    assert!(is_empty(&places));
}

#[test]
fn those_who_wait_are_refused_when_the_last_place_is_used_up() {
    let (places, _) = places(3);
    let place = enter(&places, 1).unwrap();
    let mut waiting: Vec<_> = (0..3)
        .map(|_| Box::pin(places.enter(&KEY, 1, None)))
        .collect();
    for it in &mut waiting {
        assert!(it.as_mut().now_or_never().is_none());
    }

    place.fail();

    for it in waiting {
        let refused = it.now_or_never().unwrap().err().unwrap();
        assert_eq!(refused.code, ErrorCode::RateLimited);
    }
}

#[test]
fn whoever_stops_waiting_takes_nobodys_turn() {
    let (places, _) = places(2);
    let place = enter(&places, 1).unwrap();
    let mut gone = Box::pin(places.enter(&KEY, 1, None));
    let mut next = Box::pin(places.enter(&KEY, 1, None));
    assert!(gone.as_mut().now_or_never().is_none());
    assert!(next.as_mut().now_or_never().is_none());

    drop(place);
    drop(gone);

    drop(next.now_or_never().unwrap().unwrap());
    assert!(is_empty(&places));
}

#[test]
fn more_than_there_are_seats_do_not_wait() {
    let (places, _) = places(1);
    let _place = enter(&places, 1).unwrap();
    let mut waiting = Box::pin(places.enter(&KEY, 1, None));
    assert!(waiting.as_mut().now_or_never().is_none());

    let refused = enter(&places, 1).err().unwrap();

    assert_eq!(refused.code, ErrorCode::TemporarilyUnavailable);
    assert_eq!(refused.retry_after, Some(1));
}

#[test]
fn the_end_of_a_window_lets_in_who_waits_but_frees_no_place_in_use() {
    let (places, clock) = places(2);
    enter(&places, 2).unwrap().fail();
    let place = enter(&places, 2).unwrap();
    let mut waiting = Box::pin(places.enter(&KEY, 2, None));
    assert!(waiting.as_mut().now_or_never().is_none());

    clock.advance(60);
    assert_eq!(places.metrics("").entries, 0);
    let second = waiting.now_or_never().unwrap().unwrap();

    // The one that began in the old window counts in the new one.
    place.fail();
    second.fail();
    assert!(enter(&places, 2).is_err());
}

#[test]
fn a_clock_that_is_set_makes_no_window_longer_or_shorter() {
    let (places, clock) = places(0);
    enter(&places, 1).unwrap().fail();
    for wrong in [-900, 900, 0] {
        clock.set_ahead(wrong);
        let refused = enter(&places, 1).err().unwrap();
        assert_eq!(refused.retry_after, Some(60));
    }

    clock.advance(60);
    drop(enter(&places, 1).unwrap());
}

#[test]
fn a_spent_place_is_used_up_unless_it_is_given_back() {
    let (places, _) = places(0);

    enter(&places, 1).unwrap().spend().give_back();
    drop(enter(&places, 1).unwrap().spend());

    assert!(enter(&places, 1).is_err());
}

#[test]
fn failures_of_many_keys_take_bounded_memory() {
    let clock = Clock::fixed(UnixTime(0));
    let places = Places::new(60, clock, WaitingRoom::new(0));
    for key in 0..=CAPACITY {
        let place = places.enter(&key, 1, None).now_or_never().unwrap();
        place.unwrap().fail();
    }

    assert_eq!(places.windows().by_key.len(), CAPACITY);
    assert!(places.enter(&0, 1, None).now_or_never().unwrap().is_ok());
    assert!(places.enter(&1, 1, None).now_or_never().unwrap().is_err());
}
