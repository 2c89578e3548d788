//! An empty window that says when it was first painted.

use std::io::Write as _;
use std::process::ExitCode;

/// Invoked by the page in its second animation frame: by then the first one is on the screen.
#[tauri::command]
fn first_paint() {
    if std::env::var_os("LATCHKEY_BENCH_FIRST_PAINT").is_some() {
        let _ = writeln!(std::io::stderr(), "latchkey: first-paint");
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
