//! The thread that writes, its folder, and disks that do not take it.

use super::*;

#[test]
fn a_log_that_is_let_go_of_has_written_what_it_was_told() {
    let root = tempfile::tempdir().unwrap();
    let (let_go_on, go_on) = std::sync::mpsc::channel::<()>();
    let (go_on, told) = (Mutex::new(go_on), told_by(&Arc::default()));
    // The thread that writes asks for the time first, and is held there.
    let clock: WallClock = Arc::new(move || {
        if std::thread::current().name() == Some("event-log") {
            let _ = lock(&go_on).recv();
        }
        told()
    });
    let (log, layer) = EventLog::open(root.path(), Filter::new(Level::Info), clock);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!(target: "latchkey::x", "one");
    });
    let slow = std::thread::spawn(move || {
        // A while, but on a busy machine far less than is waited for.
        (0..50).for_each(|_| std::thread::yield_now());
        drop(let_go_on);
    });
    drop(log);
    assert_eq!(messages(&read_tail(root.path(), 9).unwrap().records), ["one"]);
    slow.join().unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_said_once_and_tried_again() {
    let desk = Desk::new(Level::Info);
    fs::remove_dir_all(desk.dir()).ok();
    fs::write(desk.dir(), "in the way").unwrap();
    desk.run(|| {
        info!(target: "latchkey::x", "one");
        assert!(!desk.log.flush());
        info!(target: "latchkey::x", "two");
        assert!(!desk.log.flush());
    });
    let kinds = || desk.log.since(0, 9).into_iter().map(|one| one.kind).collect::<Vec<_>>();
    assert_eq!(kinds(), ["event", "log_unwritable", "event"]);
    fs::remove_file(desk.dir()).unwrap();
    desk.run(|| info!(target: "latchkey::x", "three"));
    assert!(desk.log.flush());
    assert_eq!(kinds(), ["event", "log_unwritable", "event", "event", "log_writable"]);
    assert_eq!(messages(&desk.tail().records), ["one", "two", "three"], "nothing is lost");
}

#[test]
fn the_logs_folder_comes_back_and_what_it_lies_in_is_not_made_behind_the_back_of_whoever_removed_it() {
    let desk = Desk::new(Level::Info);
    let put = |message: &str| {
        desk.run(|| info!(target: "latchkey::x", "{message}"));
        desk.log.flush()
    };
    assert!(put("one"));
    fs::remove_dir_all(desk.dir()).unwrap();
    assert!(put("two"));
    let root = desk.dir().parent().unwrap();
    fs::remove_dir_all(root).unwrap();
    assert!(!put("three") && !root.exists());
    fs::create_dir(root).unwrap();
    assert!(put("four"));
    assert_eq!(messages(&desk.tail().records), ["three", "four"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_nobody() {
    let desk = Desk::new(Level::Info);
    fs::create_dir_all(desk.dir()).unwrap();
    std::os::unix::fs::symlink("/dev/full", desk.file()).unwrap();
    desk.run(|| info!(target: "latchkey::x", "one"));
    assert!(!desk.log.flush());
    let note = &desk.log.last(1)[0];
    assert!(note.kind == "log_unwritable" && note.message.contains("No space left"), "{note:?}");
    fs::remove_file(desk.file()).unwrap();
    assert!(desk.log.flush());
    assert_eq!(messages(&desk.tail().records), ["one"]);
}
