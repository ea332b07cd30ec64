//! `migrate`, also by two at once.

use super::{Ran, Shell};

#[tokio::test]
async fn it_says_what_it_applied_and_then_that_there_is_nothing_to_do() {
    let shell = Shell::new().await;

    let first = shell.run(&["migrate"]);
    let second = shell.run(&["migrate"]);

    assert_eq!((first.code, second.code), (0, 0), "{first:?} {second:?}");
    assert!(first.err.starts_with("applied 0001 clients\n"), "{first:?}");
    let files = std::fs::read_dir("migrations").unwrap().count();
    let told = first.err.lines();
    assert_eq!(
        told.filter(|line| line.starts_with("applied ")).count(),
        files
    );
    assert_eq!(second.err, "the schema is up to date\n");
    assert_eq!((first.out, second.out), (String::new(), String::new()));
    assert_eq!(shell.run(&["client", "list"]).code, 0);
}

#[tokio::test]
async fn several_at_once_all_end_well() {
    let shell = Shell::new().await;

    let running: Vec<_> = (0..4)
        .map(|_| shell.command(&["migrate"]).spawn().unwrap())
        .collect();
    for child in running {
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{ran:?}");
    }

    assert_eq!(shell.run(&["migrate"]).err, "the schema is up to date\n");
}
