/** What was started here, a file a port: so that another process (`node scripts/mongodb.ts kill`) can end it or start it again. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export type EngineRecord =
  | { kind: 'mongod'; port: number; binary: string; folder: string; pid: number }
  | { kind: 'ferretdb'; port: number }

const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'carillon')
const fileOf = (port: number) => join(cache, 'mongodb', `${port}.json`)

/** A file of ours in the cache; its folder exists. */
export function cacheFile(name: string): string {
  mkdirSync(cache, { recursive: true })
  return join(cache, name)
}

export function writeRecord(record: EngineRecord): void {
  mkdirSync(join(cache, 'mongodb'), { recursive: true })
  writeFileSync(fileOf(record.port), `${JSON.stringify(record)}\n`)
}

export function readRecord(port: number): EngineRecord | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(port), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export function deleteRecord(port: number): void {
  rmSync(fileOf(port), { force: true })
}
