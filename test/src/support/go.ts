import { execFile } from 'node:child_process'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const FOLDER = fileURLToPath(new URL('../../../examples/go/', import.meta.url))
/** With modules from the proxy, over a slow line. */
const WITHIN_MS = 120_000

/** The executor in Go, or why it could not be built. */
export type GoExecutor = { readonly path: string } | { readonly missing: string }

/** Where Go installs itself, for a PATH that does not name it. */
const GO_FOLDERS = ['/usr/local/go/bin', '/usr/lib/go/bin']

/** Builds examples/go. A machine without Go, or without a way to its modules, does without it. @param path where the program goes */
export async function buildGoExecutor(path: string, environment = process.env): Promise<GoExecutor> {
  try {
    const env = { ...environment, PATH: [environment['PATH'], ...GO_FOLDERS].join(delimiter) }
    await run('go', ['mod', 'download'], { cwd: FOLDER, timeout: WITHIN_MS, env }).catch((error: Error & { code?: string }) => {
      if (error.code !== 'ENOENT') throw Object.assign(error, { code: 'NO_MODULES' })
      throw error
    })
    await run('go', ['build', '-o', path, '.'], { cwd: FOLDER, timeout: WITHIN_MS, env })
    return { path }
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    const missing = `the executor in Go cannot be built: ${(stderr || message).trim().split('\n').at(-1)}`
    if (!['ENOENT', 'NO_MODULES'].includes((error as { code?: string }).code ?? '')) throw new Error(missing)
    return { missing }
  }
}
