/**
 * Puts the liveness thread of the SDK and what it imports into one text, which the SDK starts as a worker. So it works in a service that a
 * bundler made one file of: there is no other file to be found, and no package to be imported, when it runs.
 */
import { writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const { outputFiles } = await build({
  entryPoints: ['sdk/dist/liveness/thread.js'],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  write: false,
})
const program = outputFiles[0]?.text ?? ''
writeFileSync('sdk/bundled/thread.js', `export const THREAD_PROGRAM = ${JSON.stringify(program)}\n`)
