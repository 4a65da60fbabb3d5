//! Both sides over a real socket.

use std::{path::Path, sync::Arc};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

use crate::{
    clock::SystemClock,
    collect::Job,
    commit::Skip,
    control::{
        Answer, Client, ControlError, Inbox, News, Order, Outcome, What,
        socket::{SOCKET, Socket},
    },
    instant::Instant,
    window::Window,
};

fn seal() -> Order {
    Order { what: What::Seal, sources: Vec::new() }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &Path) -> Inbox {
    Inbox::open(folder, Arc::new(SystemClock)).unwrap()
}

async fn client(folder: &Path) -> Client {
    Client::connect(folder).await.unwrap().unwrap()
}

fn done() -> Outcome {
    Outcome { failed: false, lines: vec!["done".to_owned()] }
}

/// Gives an order.
async fn give(client: &mut Client, order: Order) -> Result<Answer, ControlError> {
    client.hand_over(order).await?;
    client.go().await
}

/// Gives an order and takes it up.
async fn taken_up(folder: &Path, inbox: &mut Inbox) -> (Client, super::Ordered) {
    let mut client = client(folder).await;
    let given = async {
        assert_eq!(give(&mut client, seal()).await.unwrap(), Answer::Begun(Vec::new()));
        client
    };
    let take = async {
        let ordered = inbox.next().await;
        ordered.outlet.begin(Answer::Begun(Vec::new()));
        ordered
    };
    tokio::join!(given, take)
}

/// What is answered to a line.
async fn answer_to(folder: &Path, line: &[u8]) -> String {
    let mut stream = UnixStream::connect(folder.join(SOCKET)).await.unwrap();
    // One that is refused is not read to its end.
    let _ = stream.write_all(line).await;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_order_comes_in_and_all_that_is_said_comes_back() {
    let folder = folder();
    let mut inbox = open(folder.path());
    let (mut client, ordered) = taken_up(folder.path(), &mut inbox).await;
    assert_eq!((ordered.order, ordered.uid), (seal(), rustix::process::geteuid().as_raw()));
    ordered.outlet.tell(News::Line("one".to_owned()));
    ordered.outlet.end(done()).await;
    drop(ordered.outlet);
    assert_eq!(client.next().await.unwrap(), Answer::News(News::Line("one".to_owned())));
    assert_eq!(client.next().await.unwrap(), Answer::Ended(done()));
    assert!(matches!(client.next().await, Err(ControlError::Gone)));
}

#[tokio::test]
async fn the_one_who_ordered_can_stop_it_and_hears_how_it_ends() {
    let folder = folder();
    let mut inbox = open(folder.path());
    let (mut client, ordered) = taken_up(folder.path(), &mut inbox).await;
    assert!(!ordered.stop.is_cancelled());
    client.stop();
    ordered.stop.cancelled().await;
    ordered.outlet.end(done()).await;
    assert_eq!(client.next().await.unwrap(), Answer::Ended(done()));

    let (client, ordered) = taken_up(folder.path(), &mut inbox).await;
    drop(client);
    ordered.stop.cancelled().await;
}

#[tokio::test]
async fn the_socket_is_there_while_somebody_listens_and_one_that_was_left_is_replaced() {
    let folder = folder();
    assert!(Client::connect(folder.path()).await.unwrap().is_none());
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    assert!(Client::connect(folder.path()).await.unwrap().is_none());
    let inbox = open(folder.path());
    assert!(Client::connect(folder.path()).await.unwrap().is_some());
    let mode = std::os::unix::fs::PermissionsExt::mode(&folder.path().join(SOCKET).metadata().unwrap().permissions());
    assert_eq!(mode & 0o7777, 0o600);
    inbox.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_socket_of_another_is_not_removed() {
    let folder = folder();
    let first = Socket::bind(folder.path()).unwrap();
    let _second = Socket::bind(folder.path()).unwrap();
    drop(first);
    assert!(Client::connect(folder.path()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_folder_with_a_path_that_is_too_long_for_a_socket_will_do() {
    let folder = folder();
    let deep = folder.path().join("x".repeat(90)).join("y".repeat(90));
    std::fs::create_dir_all(&deep).unwrap();
    assert!(Client::connect(&deep).await.unwrap().is_none());
    let mut inbox = open(&deep);
    taken_up(&deep, &mut inbox).await;
    inbox.close().await;
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_order_is_refused_with_a_sentence() {
    let folder = folder();
    let _inbox = open(folder.path());
    for (line, says) in [
        (&b"{\"version\":2,\"errand\":7}\n"[..], "this one is of version 2; restart the daemon"),
        (b"{\"version\":1,\"order\":{\"what\":\"dance\",\"sources\":[]}}\n", "cannot be understood: unknown variant"),
        (b"GET / HTTP/1.1\n", "cannot be understood"),
        (b"\xff\xfe\n", "cannot be read"),
        (&[b'x'; 2 << 20], "cannot be read: max line length exceeded"),
    ] {
        let answer = answer_to(folder.path(), line).await;
        assert!(answer.starts_with("{\"refused\":\"") && answer.contains(says), "{answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let folder = folder();
    let _inbox = open(folder.path());
    let at = Instant::from_seconds;
    let backwards = Window::new(at(2), at(1));
    let skip = |range, reason: &str| What::Skip(Skip { range, reason: reason.to_owned() });
    for (what, says) in [
        (What::Poll(Job::Backfill(backwards)), "is no range of time"),
        (What::Poll(Job::BackfillLost(backwards)), "is no range of time"),
        (What::Poll(Job::Reconcile { range: Some(backwards) }), "is no range of time"),
        (skip(Window::new(at(1), at(2)), "none"), "no source is named"),
    ] {
        let error = give(&mut client(folder.path()).await, Order { what, sources: Vec::new() }).await.unwrap_err();
        assert!(
            error.to_string().starts_with("the running daemon refuses: ") && error.to_string().contains(says),
            "{error}"
        );
    }
}

#[tokio::test]
async fn nobody_is_let_in_beyond_so_many_and_nobody_is_taken_up_while_it_stops() {
    let folder = folder();
    let mut inbox = open(folder.path());
    let mut waiting = Vec::new();
    for _ in 0..16 {
        waiting.push(taken_up(folder.path(), &mut inbox).await);
    }
    let refused = give(&mut client(folder.path()).await, seal()).await.unwrap_err().to_string();
    assert!(refused.contains("16 commands are being served already"), "{refused}");
    drop(waiting.pop());
    // The place is free once the daemon has noticed.
    loop {
        let mut client = client(folder.path()).await;
        let order = give(&mut client, seal());
        tokio::select! {
            _ = inbox.next() => break,
            refused = order => assert!(refused.unwrap_err().to_string().contains("16 commands")),
        }
    }
    drop(waiting);
    inbox.refuse();
    loop {
        let refused = give(&mut client(folder.path()).await, seal()).await.unwrap_err().to_string();
        if !refused.contains("16 commands") {
            assert!(refused.contains("it is stopping"), "{refused}");
            break;
        }
    }
}

#[tokio::test]
async fn an_order_of_one_who_has_gone_is_not_taken_up() {
    let folder = folder();
    let mut inbox = open(folder.path());
    let mut gone = client(folder.path()).await;
    gone.hand_over(Order { what: What::Poll(Job::Regular), sources: Vec::new() }).await.unwrap();
    drop(gone);
    // It comes after the other one, and is the only one.
    let (_client, ordered) = taken_up(folder.path(), &mut inbox).await;
    assert_eq!(ordered.order, seal());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_heard_and_not_told_more_is_not_told_that_nothing_is_done() {
    let folder = folder();
    let mut inbox = open(folder.path());
    let mut client = client(folder.path()).await;
    client.hand_over(seal()).await.unwrap();
    let error = client.go().await.unwrap_err().to_string();
    assert!(error.contains("it may still do it"), "{error}");
    drop(client);
    let ordered = inbox.next().await;
    ordered.stop.cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_hangs_is_not_waited_for_for_ever() {
    let folder = folder();
    let _listener = std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap();
    let error = give(&mut client(folder.path()).await, seal()).await.unwrap_err();
    assert!(matches!(error, ControlError::Silent { .. }), "{error}");
    assert!(error.to_string().contains("did not answer within 20 s"), "{error}");
}
