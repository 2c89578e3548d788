import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess({ script: false }),
  compilerOptions: {
    runes: true,
    discloseVersion: false,
    // A class for each component stands in its markup and in its styles: four letters tell them apart.
    cssHash: ({ hash, css }) => `s${hash(css).slice(0, 4)}`,
  },
};
