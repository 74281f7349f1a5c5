import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Development: `CARILLON_URL=http://127.0.0.1:8420 npx vite console`. */
const target = process.env['CARILLON_URL'] ?? 'http://127.0.0.1:8420'

/** Each file of styles names the layers: the first one that a browser reads decides their order, and which it is depends on the chunks. */
const layerOrder: Plugin = {
  name: 'layer-order',
  enforce: 'pre',
  transform: (code, id) => (id.endsWith('.css') ? `@layer tokens, base, parts, shell, pages;\n${code}` : undefined),
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), layerOrder],
  build: {
    outDir: 'dist/site',
    emptyOutDir: true,
    target: ['chrome123', 'firefox125', 'safari17.5'],
    // The content policy allows images as data:, and nothing else inline.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
  },
  worker: { format: 'es' },
  css: { modules: { localsConvention: 'camelCase' } },
  server: { proxy: { '/api': { target, changeOrigin: true } } },
})
