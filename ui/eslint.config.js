import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

const typed = { projectService: true, tsconfigRootDir: import.meta.dirname };

export default defineConfig(
  { ignores: ["dist/", "dist-fake/", "node_modules/", "src/ipc/bindings.ts"] },
  js.configs.recommended,
  ts.configs.recommendedTypeChecked,
  svelte.configs.recommended,
  { languageOptions: { globals: globals.browser, parserOptions: typed } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { ...typed, parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig } },
  },
  {
    rules: {
      // Names and messages come from servers: they are text, never markup.
      "svelte/no-at-html-tags": "error",
      // The CSP refuses style attributes written as strings; `style:` directives go through CSSOM.
      "no-restricted-syntax": ["error", { selector: "SvelteAttribute[key.name='style']", message: "Refused by the CSP: use a class or a style: directive." }],
      // What a command throws is a CommandError, plain data by contract.
      "@typescript-eslint/only-throw-error": "off",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-console": "error",
    },
  },
  { files: ["*.js"], extends: [ts.configs.disableTypeChecked], languageOptions: { globals: globals.node } },
);
