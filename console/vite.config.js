// How the console is built: one script, one sheet, one page, under names that never change, into the crate that serves them. Their
// addresses in the page carry a hash of what is in them, by which the server lets browsers keep them for ever.
import { createHash } from "node:crypto";
import { defineConfig } from "vite";

/** Puts `?v=HASH` behind the addresses of our own files in the page. */
function versions() {
  return {
    name: "versions",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["index.html"];
      for (const [name, file] of Object.entries(bundle)) {
        if (file === page) continue;
        const bytes = file.type === "chunk" ? file.code : file.source;
        const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
        page.source = page.source.replace(`"/${name}"`, `"/${name}?v=${hash}"`);
      }
    },
  };
}

export default defineConfig({
  plugins: [versions()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../crates/carril-server/dist",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        codeSplitting: false,
        entryFileNames: "console.js",
        assetFileNames: "console[extname]",
      },
    },
  },
  // `npm run dev` shows the sources over a server that runs: `carril serve` on its own port.
  server: { proxy: { "/api": { target: process.env.CARRIL_URL ?? "http://127.0.0.1:7411", changeOrigin: false } } },
});
