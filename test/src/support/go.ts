import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const FOLDER = fileURLToPath(new URL('../../../examples/go/', import.meta.url))
/** With modules from the proxy, over a slow line. */
const WITHIN_MS = 120_000

/** The executor in Go, or why it could not be built. */
export type GoExecutor = { readonly path: string } | { readonly missing: string }

/** Builds examples/go. In CI it throws instead of doing without. @param path where the program goes */
export async function buildGoExecutor(path: string, environment = process.env): Promise<GoExecutor> {
  try {
    await run('go', ['build', '-o', path, '.'], { cwd: FOLDER, timeout: WITHIN_MS })
    return { path }
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    const missing = `the executor in Go cannot be built: ${(stderr || message).trim().split('\n').at(-1)}`
    if (environment['CI'] === 'true' || (error as { code?: string }).code !== 'ENOENT') throw new Error(missing)
    return { missing }
  }
}
