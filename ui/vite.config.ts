import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Has the browser fetch the window's own chunk and its styles with the page, though it is loaded by the script that is
 * small and comes first: that one asks for words and sessions meanwhile.
 */
function fetchAtOnce(name: string): Plugin {
  return {
    name: "fetch-at-once",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
        const chunk = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(name));
        if (chunk === undefined) return [];
        const entry = chunks.find(({ isEntry }) => isEntry);
        const link = (rel: string) => (file: string) => ({ tag: "link", attrs: { rel, crossorigin: true, href: `./${file}` }, injectTo: "head" as const });
        const scripts = [chunk.fileName, ...chunk.imports].filter((file) => file !== entry?.fileName && !entry?.imports.includes(file));
        const styles = [chunk, ...chunks.filter(({ fileName }) => scripts.includes(fileName))].flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])]);
        return [...scripts.map(link("modulepreload")), ...[...new Set(styles)].map(link("stylesheet"))];
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
    // The CSP allows data: for images only; and a module polyfill would be dead weight.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
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
