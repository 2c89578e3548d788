requestAnimationFrame(() =>
  setTimeout(() => window.__TAURI_INTERNALS__.invoke("first_paint", { at: Date.now() })),
);
