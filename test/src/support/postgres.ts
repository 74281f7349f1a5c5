import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Cleanup } from './cleanup.ts'

/** A PostgreSQL that is named, or the one inside of the MongoDB engine of `scripts/mongodb.ts`, by its socket. */
function address(): pg.PoolConfig | undefined {
  const url = process.env['CARILLON_TEST_POSTGRES_URL']
  if (url) return { connectionString: url }
  const mongodb = process.env['CARILLON_TEST_MONGODB_URL']
  if (!mongodb) return undefined
  const home =
    process.env['CARILLON_MONGODB_ENGINE_HOME'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'carillon', 'mongodb-engine')
  const folder = join(home, 'root', 'srv', new URL(mongodb).port)
  return existsSync(join(folder, '.s.PGSQL.5432')) ? { host: folder, user: 'postgres', database: 'postgres' } : undefined
}

/** Why its tests cannot run here; false when they can. */
export const SKIP_WITHOUT_POSTGRES =
  address() === undefined ? 'CARILLON_TEST_POSTGRES_URL is not set, and there is none inside of the MongoDB engine' : false

/** A pool, and the name of a table that is dropped at the end. */
export function openPostgres(cleanup: Cleanup): { pool: pg.Pool; table: string } {
  const pool = new pg.Pool({ ...address(), max: 6 })
  const table = `outbox_${randomBytes(6).toString('hex')}`
  cleanup.add('PostgreSQL', async () => {
    await pool.query(`drop table if exists "${table}"`)
    await pool.end()
  })
  return { pool, table }
}
