import { resolve } from 'node:path'
import { CarillonError, printable } from '@carillon/contracts'
import { addToCache, defaultCacheFolder, findInCache } from './binary-cache.ts'
import { buildWithGo } from './build-with-go.ts'
import { takeDebianPackage } from './debian-package.ts'
import { downloadRelease, RELEASE_BASE } from './download-release.ts'
import { FIND_LIMITS, type FindContext, type FindLimits, type Outcome } from './finding.ts'
import { checkBinary, findOnPath } from './installed-binary.ts'
import { MINIMUM_VERSION } from './version.ts'

export interface FindNatsServerOptions {
  /** Called with what is tried and how far it is, a line at a time. */
  readonly say: (line: string) => void
  /** Default `process.env`; commands are looked up on its PATH. */
  readonly environment?: NodeJS.ProcessEnv
  /** Default `${XDG_CACHE_HOME:-~/.cache}/carillon/nats-server`. */
  readonly cacheDir?: string
  /** The oldest version that will do, default 2.12.0. */
  readonly minimum?: string
  /** The URL below which the release archive and `SHA256SUMS` lie, default the official release on GitHub. */
  readonly fetchBase?: string
  readonly limits?: Partial<FindLimits>
  readonly signal?: AbortSignal
}

interface Step {
  readonly name: string
  readonly attempt: (context: FindContext) => Promise<Outcome>
}

/** From nothing to be fetched to much to be fetched. */
const STEPS: readonly Step[] = [
  { name: 'PATH', attempt: findOnPath },
  { name: 'cache', attempt: findInCache },
  { name: 'download', attempt: (context) => addToCache(context, (workshop) => downloadRelease(workshop, context)) },
  { name: 'go install', attempt: (context) => addToCache(context, (workshop) => buildWithGo(workshop, context)) },
  { name: 'apt', attempt: (context) => addToCache(context, (workshop) => takeDebianPackage(workshop, context)) },
]

/**
 * The absolute path of a nats-server that runs on this machine: `CARILLON_NATS_SERVER`, PATH, our cache, the official
 * release, `go install`, or the package of a newer Debian suite, whichever comes first. What was fetched stays in the cache.
 *
 * @throws CarillonError `NATS_SERVER_NOT_FOUND`, whose hint lists what was tried and why each failed.
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<string> {
  const context = contextOf(options)
  const given = context.environment['CARILLON_NATS_SERVER']
  if (given) return await checkGiven(resolve(given), context)
  const tried: string[] = []
  for (const { name, attempt } of STEPS) {
    const outcome = await attempt(context)
    context.signal?.throwIfAborted()
    if ('path' in outcome) {
      context.say(`nats-server ${outcome.version} (${name}): ${outcome.path}`)
      return outcome.path
    }
    context.say(`no nats-server (${name}): ${outcome.why}`)
    tried.push(`  ${name}: ${outcome.why}`)
  }
  const advice = `Install nats-server ${context.minimum} or newer (https://nats.io/download) on PATH, or name it in CARILLON_NATS_SERVER.`
  throw new CarillonError('NATS_SERVER_NOT_FOUND', 'No nats-server could be found or made.', {
    hint: [advice, 'Tried:', ...tried].join('\n'),
  })
}

/** A path that was set explicitly is used or refused, never silently skipped. */
async function checkGiven(path: string, context: FindContext): Promise<string> {
  const outcome = await checkBinary(path, context)
  context.signal?.throwIfAborted()
  if ('path' in outcome) {
    context.say(`nats-server ${outcome.version} (CARILLON_NATS_SERVER): ${outcome.path}`)
    return outcome.path
  }
  throw new CarillonError('NATS_SERVER_NOT_FOUND', `CARILLON_NATS_SERVER names no usable nats-server: ${outcome.why}`, {
    field: 'CARILLON_NATS_SERVER',
    value: printable(path),
    hint: `Set it to the path of nats-server ${context.minimum} or newer, or unset it.`,
  })
}

function contextOf(options: FindNatsServerOptions): FindContext {
  const environment = options.environment ?? process.env
  return {
    environment,
    cacheFolder: resolve(options.cacheDir ?? defaultCacheFolder(environment)),
    releaseBase: options.fetchBase ?? RELEASE_BASE,
    minimum: options.minimum ?? MINIMUM_VERSION,
    limits: { ...FIND_LIMITS, ...options.limits },
    say: options.say,
    signal: options.signal,
  }
}
