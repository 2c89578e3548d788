import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  // Relative addresses work under tauri://, http://tauri.localhost and a plain file server alike.
  base: "./",
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  preview: { port: 1421, strictPort: true },
  build: {
    // The oldest engine the window meets: WebKitGTK 2.50 is newer, WKWebView on macOS 13 is about this.
    target: "safari17.5",
    // The CSP allows data: for images only.
    assetsInlineLimit: 0,
    // All that a window opens with comes as one: each file is asked for on its own, of the process that opens the window.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "first", tags: ["$initial"] }] } } },
    modulePreload: false,
    emptyOutDir: true,
  },
  test: {
    environment: "jsdom",
    setupFiles: ["./tests/setup.ts"],
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    // Times are printed in the user's zone: tests fix it, so that they pass anywhere.
    env: { TZ: "UTC" },
    // Nothing here waits for real time; a crowded machine may still need its while.
    testTimeout: 60_000,
  },
});
