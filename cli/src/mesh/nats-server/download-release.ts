import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FindContext, Outcome } from './finding.ts'
import { BINARY_NAME, checkBinary } from './installed-binary.ts'
import { runCommand } from './run-command.ts'
import { duration, TimeLimit } from './time-limit.ts'
import { PINNED_VERSION } from './version.ts'

/** Where the archives and `SHA256SUMS` of one release are. */
export const RELEASE_BASE = `https://github.com/nats-io/nats-server/releases/download/v${PINNED_VERSION}`

/** An archive is 7 MB; whatever is much larger is not one. */
const MAX_DOWNLOAD_BYTES = 100_000_000
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386' }

/** Fetches the official archive of the pinned version into `workshop`, checks its sum and unpacks it there. */
export async function downloadRelease(workshop: string, context: FindContext): Promise<Outcome> {
  const architecture = ARCHITECTURES[process.arch]
  if (architecture === undefined || !['linux', 'darwin'].includes(process.platform)) {
    return { why: `unsupported on ${process.platform} ${process.arch}` }
  }
  const release = `nats-server-v${PINNED_VERSION}-${process.platform}-${architecture}`
  const archive = join(workshop, `${release}.tar.gz`)
  try {
    const sums = join(workshop, 'SHA256SUMS')
    await download(sums, { ...context, onPercent: undefined })
    const expected = await sumOf(sums, basename(archive))
    if (expected === undefined) return { why: `SHA256SUMS does not list ${basename(archive)}` }
    const onPercent = (percent: number): void => context.say(`downloading ${basename(archive)}: ${percent} %`)
    const actual = await download(archive, { ...context, onPercent })
    if (actual !== expected) return { why: `${basename(archive)} has SHA-256 ${actual}, SHA256SUMS says ${expected}` }
  } catch (error) {
    context.signal?.throwIfAborted()
    return { why: reasonOf(error) }
  }
  return await unpack(archive, join(workshop, release, BINARY_NAME), context)
}

async function unpack(archive: string, path: string, context: FindContext): Promise<Outcome> {
  const { environment, limits, signal } = context
  // -o: as root, tar would give the files the owner written in the archive.
  const parameters = ['-xzof', archive, '-C', join(archive, '..')]
  const unpacked = await runCommand('tar', parameters, { environment, timeoutMs: limits.localMs, signal })
  return unpacked.succeeded ? await checkBinary(path, context) : { why: unpacked.why }
}

interface DownloadOptions extends FindContext {
  /** Called at every tenth, when the length is known. */
  readonly onPercent: ((percent: number) => void) | undefined
}

/** Downloads the file of that name to that path; returns its SHA-256 in hex. */
async function download(path: string, options: DownloadOptions): Promise<string> {
  const { limits, onPercent, releaseBase, signal } = options
  const limit = new TimeLimit()
  const whole = AbortSignal.timeout(limits.downloadMs)
  limit.renew(limits.connectMs, `no answer within ${duration(limits.connectMs)}`)
  try {
    const url = `${releaseBase}/${basename(path)}`
    const response = await fetch(url, { signal: AbortSignal.any([limit.signal, whole, ...(signal === undefined ? [] : [signal])]) })
    if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`)
    const progress = new Progress(Number(response.headers.get('content-length') ?? 0), onPercent)
    return await save(response.body, path, (receivedBytes) => {
      limit.renew(limits.stallMs, `the download stalled for ${duration(limits.stallMs)} after ${receivedBytes} bytes`)
      progress.report(receivedBytes)
    })
  } finally {
    limit.clear()
  }
}

async function save(body: ReadableStream<Uint8Array>, path: string, onReceived: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256')
  await using file = await open(path, 'w')
  let receivedBytes = 0
  onReceived(0)
  for await (const piece of body) {
    receivedBytes += piece.length
    if (receivedBytes > MAX_DOWNLOAD_BYTES) throw new Error(`${basename(path)} is larger than ${MAX_DOWNLOAD_BYTES} bytes`)
    onReceived(receivedBytes)
    hash.update(piece)
    await file.writeFile(piece)
  }
  return hash.digest('hex')
}

class Progress {
  readonly #totalBytes: number
  readonly #onPercent: DownloadOptions['onPercent']
  #lastPercent = 0

  constructor(totalBytes: number, onPercent: DownloadOptions['onPercent']) {
    this.#totalBytes = totalBytes
    this.#onPercent = onPercent
  }

  report(receivedBytes: number): void {
    if (this.#totalBytes === 0 || this.#onPercent === undefined) return
    const percent = Math.floor((receivedBytes / this.#totalBytes) * 10) * 10
    if (percent <= this.#lastPercent) return
    this.#lastPercent = percent
    this.#onPercent(percent)
  }
}

async function sumOf(sumsPath: string, name: string): Promise<string | undefined> {
  await using file = await open(sumsPath)
  for await (const line of file.readLines()) {
    // "<sum>  <name>", or "<sum> *<name>" from sha256sum --binary.
    const [sum, listed] = line.trim().split(/\s+\*?/)
    if (listed === name) return sum?.toLowerCase()
  }
  return undefined
}

/** The message `fetch failed` has no information; its cause has. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : undefined
  return cause === undefined ? error.message : `${error.message}: ${cause.message || (cause as NodeJS.ErrnoException).code || cause.name}`
}
