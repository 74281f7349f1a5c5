import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const NATS_PY = 'nats-py==2.16.0'
/** From PyPI, over a slow line. */
const WITHIN_MS = 120_000

/** A Python that has nats-py, or why there is none. */
export type Python = { readonly path: string } | { readonly missing: string }

/** Finds python3 and makes a virtual environment with nats-py once; it is kept in Carillon's cache. In CI it throws instead of doing without. */
export async function findPython(environment = process.env): Promise<Python> {
  const folder = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'carillon', 'python', NATS_PY.replace('==', '-'))
  const path = join(folder, 'bin', 'python')
  // Written last: an environment that was made halfway is made again.
  const done = join(folder, 'carillon-ready')
  if (existsSync(done)) return { path }
  try {
    mkdirSync(folder, { recursive: true })
    await run('python3', ['-m', 'venv', '--clear', folder], { timeout: WITHIN_MS })
    await run(path, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', NATS_PY], { timeout: WITHIN_MS })
    writeFileSync(done, '')
    return { path }
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    const missing = `no Python with ${NATS_PY}: ${(stderr || message).trim().split('\n').at(-1)}`
    if (environment['CI'] === 'true') throw new Error(`in CI the tests of the Python executor must run: ${missing}`)
    return { missing }
  }
}
