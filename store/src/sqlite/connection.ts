import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, StatementSync } from 'node:sqlite'
import { CarillonError, withoutTerminalCodes } from '@carillon/contracts'
import { createFolder } from '../create-folder.ts'
import { refuseNewer } from '../schema-version.ts'
import { Checkpointer } from './checkpointer.ts'
import { DiskReserve, LONGEST_LOG_BYTES } from './disk-reserve.ts'
import { WITHOUT_TERMINAL_CODES } from './log-filter.ts'
import { fromSqliteError, isDiskFull } from './sqlite-error.ts'

export interface SqliteOptions {
  readonly path: string
  /** `full`: every commit is on the disk before it is answered. `normal`: it survives any crash but a power failure. */
  readonly synchronous: 'full' | 'normal'
  readonly readOnly: boolean
}

/** Another process may write the same file for a moment; waiting for it blocks the event loop. */
const BUSY_TIMEOUT_MS = 2_000
/** SQLite's own. */
const PAGE_BYTES = 4_096
/**
 * Of pages in memory; the system caches the file beside it. A commit after a page was split goes through the whole cache (`pcache1TruncateUnsafe`), so a
 * larger one makes each commit dearer: 60 µs with 16 MiB (`docs/PERFORMANCE.md`).
 */
const CACHE_KIB = 4_096

export type Row = Record<string, unknown>
/** A row by the places of its columns. Node makes it in a third of the time that an object with a name for each column takes. */
export type Values = readonly unknown[]

/** Node 22 has none. */
const HAS_ARRAYS = 'setReturnArrays' in StatementSync.prototype
const valuesOf = (row: unknown): Values => (Array.isArray(row) ? row : Object.values(row as Row))

/** One open database: pragmas, cached statements, transactions and coded errors. */
export class Connection {
  readonly path: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #readings = new Map<string, StatementSync>()
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #changes: StatementSync
  readonly #reserve: DiskReserve | undefined
  readonly #checkpointer: Checkpointer | undefined
  #changesCounted = 0
  #largeBytes = 0

  constructor(options: SqliteOptions) {
    this.path = options.path
    const reserve = reserveOf(options)
    try {
      const logPages = Math.floor((reserve?.logBytes ?? LONGEST_LOG_BYTES) / PAGE_BYTES)
      this.#checkpointer = reserve && new Checkpointer(options.path, { longestPages: logPages })
      this.#database = openDatabase(options, logPages)
      this.#begin = this.#database.prepare('begin immediate')
      this.#commit = this.#database.prepare('commit')
      this.#changes = this.#database.prepare('select total_changes() as "count"')
      this.#reserve = reserve
    } catch (error) {
      reserve?.release()
      throw openingError(error, options.path)
    }
  }

  /** The prepared statement of this text; prepared once. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.guard(() => this.#database.prepare(sql))
      this.#statements.set(sql, statement)
    }
    return statement
  }

  all(sql: string, values: readonly SQLInputValue[]): Row[] {
    return this.guard(() => this.statement(sql).all(...values) as Row[])
  }

  /** The same, by the places of the columns. */
  values(sql: string, values: readonly SQLInputValue[]): Values[] {
    return this.guard(() => {
      const rows: unknown[] = this.#reading(sql).all(...values)
      return HAS_ARRAYS ? (rows as Values[]) : rows.map(valuesOf)
    })
  }

  /** Passes on row after row while `take` answers true; answers whether `take` stopped it. */
  each(sql: string, values: readonly SQLInputValue[], take: (row: Values) => boolean): boolean {
    return this.guard(() => {
      for (const row of this.#reading(sql).iterate(...values)) if (!take(valuesOf(row))) return true
      return false
    })
  }

  /** The prepared statement of this text, which answers arrays where Node has them. */
  #reading(sql: string): StatementSync {
    let statement = this.#readings.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      if (HAS_ARRAYS) statement.setReturnArrays(true)
      this.#readings.set(sql, statement)
    }
    return statement
  }

  /** Runs one statement that changes existing rows; answers how many it changed. */
  run(sql: string, values: readonly SQLInputValue[]): number {
    return this.#withReserve(() => Number(this.statement(sql).run(...values).changes))
  }

  execute(sql: string): void {
    this.guard(() => this.#database.exec(sql))
  }

  /** A transaction that changes existing rows: it succeeds on a full disk, as long as the reserve lasts. */
  transaction<Result>(work: () => Result): Result {
    return this.#withReserve(() => this.#inTransaction(work))
  }

  /** A transaction that adds rows: the first to be refused when the disk fills up. @throws CarillonError STORE_FULL */
  addition<Result>(work: () => Result): Result {
    return this.guard(() => {
      this.#reserve?.admit(() => this.#reusableBytes())
      return this.#inTransaction(work)
    })
  }

  /** A row of about so many bytes is written, beside those of usual size. */
  wrote(bytes: number): void {
    this.#largeBytes += bytes
  }

  close(): void {
    if (!this.#database.isOpen) return
    this.#checkpointer?.stop()
    this.#statements.clear()
    this.#readings.clear()
    this.#database.close()
  }

  /** All of `work` or nothing. `work` is synchronous, so no other statement of this process runs in between. */
  #inTransaction<Result>(work: () => Result): Result {
    this.#begin.run()
    try {
      const result = work()
      this.#commit.run()
      this.#checkpointer?.committed({ rows: this.#newChanges(), bytes: this.#largeBytes })
      this.#largeBytes = 0
      return result
    } catch (error) {
      // A full disk may have rolled back already.
      if (this.#database.isTransaction) this.#database.exec('rollback')
      throw error
    }
  }

  #reusableBytes(): number {
    return (this.all('pragma freelist_count', [])[0]?.['freelist_count'] as number) * PAGE_BYTES
  }

  /** Rows that were changed since the last call. */
  #newChanges(): number {
    const before = this.#changesCounted
    this.#changesCounted = this.#changes.get()?.['count'] as number
    return this.#changesCounted - before
  }

  #withReserve<Result>(work: () => Result): Result {
    return this.guard(() => {
      try {
        return work()
      } catch (error) {
        if (!isDiskFull(error) || !this.#reserve?.release()) throw error
        return work()
      }
    })
  }

  /** Maps what `work` throws to a `CarillonError`. */
  guard<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw fromSqliteError(error, this.path)
    }
  }
}

/** Made before the database, so that the folder is there; a store in memory or for reading needs none. */
function reserveOf({ path, readOnly }: SqliteOptions): DiskReserve | undefined {
  if (readOnly || path === ':memory:') return undefined
  try {
    createFolder(dirname(path))
    mustBeFile(path)
    return new DiskReserve(path)
  } catch (error) {
    throw openingError(error, path)
  }
}

/** SQLite reports only "disk I/O error" for a device, and leaves a ballast beside a folder. */
function mustBeFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined && !found.isFile())
    throw new Error(`it is ${found.isDirectory() ? 'a folder' : 'no file'}; the store needs a file`)
}

function openDatabase({ path, synchronous, readOnly }: SqliteOptions, logPages: number): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS })
  try {
    mustBeOurs(database, path)
    database.function(WITHOUT_TERMINAL_CODES, { deterministic: true }, (text) => withoutTerminalCodes(String(text)))
    if (!readOnly) database.exec('pragma journal_mode=wal')
    database.exec(
      `pragma synchronous=${synchronous}; pragma wal_autocheckpoint=${logPages}; pragma cache_size=-${CACHE_KIB}; pragma temp_store=memory`,
    )
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/**
 * Before any change: a database with tables is a store only if it has Carillon's list of migrations, none of which is newer than this program's. In this order, because another process may
 * create the store at the same time, all tables at once.
 */
function mustBeOurs(database: DatabaseSync, path: string): void {
  const count = (sql: string) => Number(database.prepare(`select count(*) as "count" from ${sql}`).get()?.['count'])
  if (count('sqlite_schema where "type" = \'table\'') === 0) return
  if (count("pragma_table_info('migrations') where \"name\" in ('number', 'name')") === 2) {
    const newest = database.prepare('select coalesce(max("number"), 0) as "number" from "migrations"').get()
    refuseNewer(Number(newest?.['number']), path)
  } else throw new Error('it is a database of another program; the store needs a file of its own')
}

/** Errors of the file system about the folder (ENOTDIR, EISDIR) also mean that there is no store. */
function openingError(error: unknown, path: string): CarillonError {
  const mapped = fromSqliteError(error, path)
  if (mapped.code !== 'INTERNAL') return mapped
  return new CarillonError('STORE_UNAVAILABLE', mapped.message, { cause: error })
}
