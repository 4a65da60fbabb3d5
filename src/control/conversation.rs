//! With one command, from its order to the last answer.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tokio::{
    io::AsyncWriteExt as _,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
};
use tokio_util::{
    codec::{FramedRead, LinesCodec},
    sync::CancellationToken,
};

use crate::{
    clock::Clock,
    control::{
        Answer, Order, Ordered, Outlet,
        order::{GO, LONGEST_REQUEST, Request, Spoken, VERSION},
    },
};

/// A command says what it wants at once.
const ORDERS_WITHIN: Duration = Duration::from_secs(10);

/// A command that has not read for so long is gone.
const READS_WITHIN: Duration = Duration::from_secs(10);

/// What is said where the daemon is about to go.
const STOPPING: &str = "it is stopping; run the same again once it has stopped, or once it is back";

/// Talks with a command that the user `uid` has started, until all is said or it is gone.
pub(super) async fn converse(stream: UnixStream, uid: u32, orders: mpsc::Sender<Ordered>, clock: Arc<dyn Clock>) {
    let (requests, mut writer) = stream.into_split();
    let mut requests = FramedRead::new(requests, LinesCodec::new_with_max_length(LONGEST_REQUEST));
    let order = match read_order(&mut requests, clock.as_ref()).await {
        Ok(order) => order,
        Err(refusal) => return say(&mut writer, &Answer::Refused(refusal)).await.unwrap_or_default(),
    };
    if !is_meant(&mut requests, &mut writer).await {
        return;
    }
    let (outlet, mut answers) = Outlet::new();
    let stop = CancellationToken::new();
    // Whichever way this ends, nobody waits for the rest.
    let _stop = stop.clone().drop_guard();
    let ordered = Ordered { order, uid, outlet, stop: stop.clone() };
    let hand_on = async {
        let _ = orders.send(ordered).await;
        let Some(first) = answers.recv().await else {
            return say(&mut writer, &Answer::Refused(STOPPING.to_owned())).await;
        };
        say(&mut writer, &first).await?;
        while let Some(answer) = answers.recv().await {
            say(&mut writer, &answer).await?;
        }
        Ok(())
    };
    let listen = async {
        // It has nothing more to say: this is its end.
        requests.next().await;
        stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        handed_on = hand_on => handed_on.unwrap_or_default(),
        () = listen => {}
    }
}

/// Whether the command is still there, and means it. One that has waited too long has gone, and has told its user that nothing
/// was done.
async fn is_meant(requests: &mut FramedRead<OwnedReadHalf, LinesCodec>, writer: &mut OwnedWriteHalf) -> bool {
    let asked = async {
        say(writer, &Answer::Heard).await.ok()?;
        requests.next().await?.ok()
    };
    matches!(tokio::time::timeout(ORDERS_WITHIN, asked).await, Ok(Some(line)) if line == GO)
}

/// Reads the order, or says why there is none.
async fn read_order(requests: &mut FramedRead<OwnedReadHalf, LinesCodec>, clock: &dyn Clock) -> Result<Order, String> {
    let line = match tokio::time::timeout(ORDERS_WITHIN, requests.next()).await {
        Ok(Some(Ok(line))) => line,
        Ok(Some(Err(error))) => return Err(format!("the order cannot be read: {error}")),
        Ok(None) => return Err("there is no order".to_owned()),
        Err(_) => return Err(format!("no order came within {} s", ORDERS_WITHIN.as_secs())),
    };
    let ill_formed = |error: serde_json::Error| format!("the order cannot be understood: {error}");
    let Spoken { version } = serde_json::from_str(&line).map_err(ill_formed)?;
    if version != VERSION {
        return Err(format!(
            "it is atlas-logd {}, which takes orders of version {VERSION}, and this one is of version {version}; restart the \
             daemon with the program that is installed now, or use the one that it runs",
            env!("CARGO_PKG_VERSION"),
        ));
    }
    let Request { order, .. } = serde_json::from_str(&line).map_err(ill_formed)?;
    order.fault(clock.now()).map_or(Ok(order), Err)
}

/// Writes a line to a command that reads.
async fn say(writer: &mut OwnedWriteHalf, answer: &Answer) -> std::io::Result<()> {
    let line = serde_json::to_string(answer)? + "\n";
    tokio::time::timeout(READS_WITHIN, writer.write_all(line.as_bytes())).await?
}
