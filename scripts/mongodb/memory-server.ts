/** The mongod binary that mongodb-memory-server downloads: its releases and checksums are that package's business, running it is ours. */
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { DryMongoBinary, MongoBinary } from 'mongodb-memory-server-core'
import { MongoBinaryDownloadUrl } from 'mongodb-memory-server-core/lib/util/MongoBinaryDownloadUrl.js'
import { cacheFile } from './records.ts'

/** How long the download server may take to answer at all; the download itself (about 100 MB) may take as long as bytes arrive. */
const ANSWER_MS = 5_000
/** A server that did not answer is not asked again for a while, so that the second of two test runs does not wait. */
const REMEMBER_FAILURE_MS = 10 * 60_000

/** @throws within 10 s where the binary is not cached and there is no internet */
export async function findDownloadedMongod(say: (line: string) => void): Promise<string> {
  const options = await DryMongoBinary.generateOptions()
  const cached = await DryMongoBinary.locateBinary(options)
  if (cached !== undefined) return cached
  const failure = cacheFile('mongodb-download-failed')
  if (existsSync(failure) && Date.now() - statSync(failure).mtimeMs < REMEMBER_FAILURE_MS) {
    throw new Error(`its download failed a moment ago (delete ${failure} to try again at once)`)
  }
  const url = await new MongoBinaryDownloadUrl(options).getDownloadUrl()
  try {
    await mustAnswer(url)
    say(`downloading MongoDB ${options.version} (about 100 MB) ...`)
    // The package retries an unreachable server for half a minute unless told otherwise.
    process.env['MONGOMS_MAX_RETRIES'] ??= '1'
    const binary = await MongoBinary.getPath(options)
    rmSync(failure, { force: true })
    return binary
  } catch (error) {
    writeFileSync(failure, `${url}: ${(error as Error).message}\n`)
    throw error
  }
}

async function mustAnswer(url: string): Promise<void> {
  const { env } = process
  // Behind a proxy (which fetch does not use) the package's own request tells.
  if (env['https_proxy'] || env['HTTPS_PROXY'] || env['http_proxy'] || env['HTTP_PROXY']) return
  const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(ANSWER_MS) }).catch((error: Error) => {
    throw new Error(`its download server cannot be reached (${(error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.name})`)
  })
  if (!answer.ok) throw new Error(`its download server answers ${answer.status} for ${url}`)
}
