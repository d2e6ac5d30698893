// What `npm run build` leaves in dist/ is committed and embedded in the program (cmake/console_assets.cmake).
// `npm run dev` serves the pages with live reload and hands everything else to a server on port 3001.
import { defineConfig } from 'vite';

const server = 'http://127.0.0.1:3001';

export default defineConfig({
  base: '/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the Content-Security-Policy allows no data: scripts or fonts
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true },
      '/docs/source': server,
      '/realtime': { target: server, ws: true },
    },
  },
});
