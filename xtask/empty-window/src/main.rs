//! An empty window that says when it was first painted.

use std::io::Write as _;
use std::process::ExitCode;

/// Invoked by the page after its first frame, with the time in ms since the epoch.
#[tauri::command]
fn first_paint(at: f64) {
    if std::env::var_os("LATCHKEY_BENCH_FIRST_PAINT").is_some() {
        let _ = writeln!(std::io::stderr(), "latchkey: first-paint {at}");
    }
}

fn main() -> ExitCode {
    let app = tauri::Builder::default().invoke_handler(tauri::generate_handler![first_paint]);
    match app.run(tauri::generate_context!()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
