//! The client itself; what it sends is looked at in the tests of whoever sends it.

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
}

/// The kernel lists a connection that it asks after with the timer `02` (proc_pid_net(5)).
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_over_which_nothing_comes_is_asked_whether_it_is_still_there() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let there = listener.local_addr().unwrap();
    let url = format!("http://{there}/token").parse().unwrap();
    let asking = tokio::spawn(async move { Http::new().unwrap().send(Request::get(&url)).await.err() });
    let (mut silent, peer) = listener.accept().await.unwrap();
    let mut request = [0; 1024];
    assert!(tokio::io::AsyncReadExt::read(&mut silent, &mut request).await.unwrap() > 0);
    // Both ends: an earlier connection to elsewhere may have had the same port of ours.
    let ends = [peer, there].map(|end| format!("0100007F:{:04X}", end.port()));
    let timer = loop {
        let connections = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let columns = connections.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let timer =
            columns.filter(|columns| columns[1..3] == ends).map(|columns| columns[5].to_owned()).next();
        // As long as nobody has said that the request arrived, it is that which is waited for.
        if timer.as_deref().is_none_or(|timer| !timer.starts_with("01:")) {
            break timer;
        }
        tokio::task::yield_now().await;
    };
    assert!(timer.as_deref().is_some_and(|timer| timer.starts_with("02:")), "{timer:?}");
    drop(silent);
    assert_eq!(asking.await.unwrap(), Some(Failure::NoReply));
}

/// RFC 9110 §12.5.3: whoever does not say what coding they take is taken to take any. And RFC 8259 §8.1: what writes a byte
/// order mark before JSON should not, and is read.
#[tokio::test]
async fn a_server_is_told_not_to_compress_and_its_byte_order_mark_is_passed_over() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap()).parse().unwrap();
    let answering = tokio::spawn(async move {
        let (mut asked, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = asked.read(&mut request).await.unwrap();
        asked.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\xef\xbb\xbf{}").await.unwrap();
        String::from_utf8_lossy(&request[..length]).to_ascii_lowercase()
    });
    let reply = Http::new().unwrap().send(Request::post_form(&url, [("a", "b")])).await.ok().unwrap();
    assert_eq!(&**reply.body, b"{}");
    let request = answering.await.unwrap();
    assert!(request.contains("\r\naccept-encoding: identity\r\n"), "{request}");
}

#[test]
fn a_form_keeps_every_octet_and_never_grows() {
    let url = Url::parse("https://example.com/token").unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "a+b/c=&ü 'd'")];
    let request = Request::post_form(&url, fields);
    let body = request.body.unwrap();
    assert_eq!(&**body, b"grant_type=refresh_token&refresh_token=a%2Bb%2Fc%3D%26%C3%BC+%27d%27");
    assert!(body.len() <= body.capacity());
}

#[test]
fn retry_after_is_read_as_seconds_or_as_a_date() {
    assert_eq!(retry_after(&headers(&[("retry-after", "120")])).unwrap().as_secs(), 120);
    assert_eq!(retry_after(&headers(&[("retry-after", "-5")])).unwrap().as_secs(), 0);
    assert_eq!(retry_after(&headers(&[("retry-after", "soon")])), None);
    let dated = headers(&[
        ("date", "Fri, 20 Nov 2026 10:00:00 GMT"),
        ("retry-after", "Fri, 20 Nov 2026 10:02:00 GMT"),
    ]);
    assert_eq!(retry_after(&dated).unwrap().as_secs(), 120);
}

/// A machine believes that it has IPv6, and whatever it sends that way is lost: nobody takes the connections from the
/// queue of the listener here, so those that find it full are not even refused.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_the_first_family_of_addresses_leads_nowhere_the_other_one_is_taken() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    // One port of both families: that of the one may be somebody's in the other.
    let (hole, live) = loop {
        let hole = tokio::net::TcpSocket::new_v6().unwrap();
        hole.bind("[::1]:0".parse().unwrap()).unwrap();
        let hole = hole.listen(0).unwrap();
        let port = hole.local_addr().unwrap().port();
        if let Ok(live) = tokio::net::TcpListener::bind(("127.0.0.1", port)).await {
            break (hole, live);
        }
    };
    let nowhere = hole.local_addr().unwrap();
    let soon = Duration::from_millis(300);
    let mut waiting = Vec::new();
    while let Ok(connected) = tokio::time::timeout(soon, tokio::net::TcpStream::connect(nowhere)).await {
        waiting.push(connected.unwrap());
    }
    let there = live.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        let (mut asked, _) = live.accept().await.unwrap();
        let _ = asked.read(&mut [0; 1024]).await.unwrap();
        asked.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    });
    let url = format!("http://either.test:{}/", nowhere.port());
    let client =
        |addresses: &[std::net::SocketAddr]| base().no_proxy().resolve_to_addrs("either.test", addresses);
    // That it leads nowhere: alone, it is no way.
    let alone = client(&[nowhere]).connect_timeout(soon).build().unwrap();
    assert!(alone.get(&url).send().await.unwrap_err().is_timeout());
    let answer = client(&[nowhere, there]).build().unwrap().get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.remote_addr(), Some(there));
    answering.await.unwrap();
}
