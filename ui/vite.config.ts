import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Has the window fetched with the small script that comes first and loads it, and not after that: in the meantime that one
 *  asks for words and sessions. */
function fetchAtOnce(name: string): Plugin {
  return {
    name: "fetch-at-once",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
        const wanted = chunks.filter(({ isEntry, facadeModuleId }) => isEntry || facadeModuleId?.endsWith(name));
        const files = new Set(wanted.flatMap(({ isEntry, fileName, imports }) => (isEntry ? imports : [fileName, ...imports])));
        for (const { isEntry, fileName } of wanted) if (isEntry) files.delete(fileName);
        return [...files].map((file) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` }, injectTo: "head" as const }));
      },
    },
  };
}

export default defineConfig({
  plugins: [svelte(), svelteTesting(), fetchAtOnce("/App.svelte")],
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
    // What is fetched when is said above: without it no chunk needs the code that would find out.
    modulePreload: false,
    cssCodeSplit: false,
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
