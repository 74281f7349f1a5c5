import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Development: `CARILLON_URL=http://127.0.0.1:8420 npx vite console`. */
const target = process.env['CARILLON_URL'] ?? 'http://127.0.0.1:8420'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist/site',
    emptyOutDir: true,
    target: ['chrome123', 'firefox125', 'safari17.5'],
    // The content policy allows images as data:, and nothing else inline.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
  },
  // Older browsers know no light-dark(): they would get a copy of every rule.
  css: { modules: { localsConvention: 'camelCaseOnly' } },
  server: { proxy: { '/api': { target, changeOrigin: true } } },
})
