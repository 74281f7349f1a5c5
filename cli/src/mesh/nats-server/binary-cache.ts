import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createFolder } from '@carillon/store'
import { now } from '../../clock.ts'
import type { FindContext, Outcome } from './finding.ts'
import { BINARY_NAME, checkBinary } from './installed-binary.ts'
import { runCommand } from './run-command.ts'
import { compareVersions, parseVersion } from './version.ts'

const WORKSHOP_PREFIX = '.new-'
/** Longer than any step may take: a workshop this old belongs to a finder that was killed. */
const WORKSHOP_MAX_AGE_MS = 3_600_000

/** `~/.cache/carillon/nats-server`; below it one folder a version. */
export function defaultCacheFolder(environment: NodeJS.ProcessEnv): string {
  const base = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache')
  return join(base, 'carillon', 'nats-server')
}

/** The newest cached binary that works. */
export async function findInCache(context: FindContext): Promise<Outcome> {
  let why = `${context.cacheFolder} is empty`
  for (const version of await cachedVersions(context)) {
    const outcome = await checkBinary(join(context.cacheFolder, version, BINARY_NAME), context)
    if ('path' in outcome) return outcome
    why = outcome.why
  }
  return { why }
}

async function cachedVersions({ cacheFolder, say }: FindContext): Promise<string[]> {
  const names = await readdir(cacheFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') say(`the cache cannot be read: ${error.message}`)
    return []
  })
  return names.filter((name) => parseVersion(name) === name).sort((left, right) => compareVersions(right, left))
}

/**
 * Gives `make` an empty folder inside the cache; the binary it makes there is checked and moved into place. A rename
 * within one file system is atomic, so finders that run at the same time replace each other's file by an equally good one.
 */
export async function addToCache(context: FindContext, make: (workshop: string) => Promise<Outcome>): Promise<Outcome> {
  const { cacheFolder } = context
  let workshop: string
  try {
    createFolder(cacheFolder)
    await removeOldWorkshops(context)
    workshop = await mkdtemp(join(cacheFolder, WORKSHOP_PREFIX))
  } catch (error) {
    return { why: `the cache cannot be written, set XDG_CACHE_HOME to a folder that can: ${(error as Error).message}` }
  }
  try {
    const made = await make(workshop)
    if (!('path' in made)) return made
    const folder = join(cacheFolder, made.version)
    createFolder(folder)
    const path = join(folder, BINARY_NAME)
    await rename(made.path, path)
    return { path, version: made.version }
  } finally {
    await removeWorkshop(workshop, context)
  }
}

async function removeOldWorkshops(context: FindContext): Promise<void> {
  for (const name of await readdir(context.cacheFolder)) {
    if (!name.startsWith(WORKSHOP_PREFIX)) continue
    const path = join(context.cacheFolder, name)
    // Another finder may remove its own at this moment.
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && now() - found.mtimeMs > WORKSHOP_MAX_AGE_MS) await removeWorkshop(path, context)
  }
}

/** Go makes its module cache read-only, also for its owner. */
async function removeWorkshop(path: string, { environment, limits }: FindContext): Promise<void> {
  if (process.platform !== 'win32') await runCommand('chmod', ['-R', 'u+w', path], { environment, timeoutMs: limits.localMs })
  await rm(path, { recursive: true, force: true, maxRetries: 3 })
}
