/** Makes the files that `tsc` cannot: code that is loaded as one text or one file. */
import { rmSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

/**
 * The liveness thread of the SDK and what it imports as one text, which the SDK starts as a worker. So it works in a service that a bundler
 * made one file of: there is no other file to be found, and no package to be imported, when it runs.
 */
async function bundleThread(): Promise<void> {
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
}

const COMMANDS = 'cli/bundled'

/** Services, the demo and diagrams stay files of their own: few commands need them, and they need packages that cannot be bundled, or a thread. */
const apart: Plugin = {
  name: 'apart',
  setup(bundle) {
    bundle.onResolve({ filter: /^\.\.?\/(mesh|demo|diagram)\// }, ({ path, resolveDir }) => ({
      path: `./${relative(COMMANDS, resolve(resolveDir, path))}`,
      external: true,
    }))
  },
}

/** The commands that talk to a mesh in a few files: finding and linking 363 modules takes longer than most commands do. */
async function bundleCommands(): Promise<void> {
  rmSync(COMMANDS, { recursive: true, force: true })
  await build({
    entryPoints: ['cli/dist/main.js'],
    outdir: COMMANDS,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    plugins: [apart],
    // The NATS client is CommonJS and requires modules of Node.
    banner: { js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)" },
  })
}

// The commands bring the SDK, which brings the thread.
await bundleThread()
await bundleCommands()
