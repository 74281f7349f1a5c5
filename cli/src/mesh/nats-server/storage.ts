import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** The rest is for other writers on this disk, such as the store. */
const PART_FOR_STREAMS = 0.75

/** The disk of a data folder. */
export interface Storage {
  readonly freeBytes: number
  /** What all streams together may take, what they have included: nats-server refuses messages beyond it, and a full disk ends it. */
  readonly ceilingBytes: number
}

export async function storageOf(dataDir: string): Promise<Storage> {
  const { bavail, bsize } = await statfs(dataDir)
  const freeBytes = bavail * bsize
  return { freeBytes, ceilingBytes: Math.floor((await bytesBelow(join(dataDir, 'jetstream'))) + freeBytes * PART_FOR_STREAMS) }
}

/** Files come and go while they are counted. */
async function bytesBelow(folder: string): Promise<number> {
  const entries = await orIfGone(readdir(folder, { recursive: true, withFileTypes: true }), [])
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const sizes = await Promise.all(
    files.map((file) =>
      orIfGone(
        stat(file).then(({ size }) => size),
        0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function orIfGone<T>(asked: Promise<T>, otherwise: T): Promise<T> {
  return asked.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return otherwise
    throw error
  })
}
