import { CarillonError, LIMITS, parseBody, printable, UnacceptableJson, writeJson } from '@carillon/contracts'
import { randomLetters, runIdOfKey } from '@carillon/wire/internal'
import { checkObject } from '../check-object.ts'
import type { Caller } from '../client/caller.ts'
import { RunStarter } from '../client/run-starter.ts'
import { type RunOptions, startItemOf } from '../client/start-item.ts'
import type { ClientLink } from '../connection/link.ts'
import type { OnWarning } from '../warning.ts'
import { collectionOf, databaseOf, type MongoDatabase, MongoOutbox, type MongoSession, type OutboxDocument } from './mongodb-outbox.ts'
import { checkTableName, OUTBOX_NAME, type OutboxRow } from './outbox-table.ts'
import { outboxTableSql, type PostgresClient, PostgresOutbox } from './postgres-outbox.ts'
import { Relay } from './relay.ts'

/** The start of a run, made outside of the transaction that writes it: a transaction that is tried again writes the same one. */
export interface OutboxStart {
  /** Of the run that there will be; until then `client.runs.get` answers RUN_NOT_FOUND. */
  readonly runId: string
  readonly key: string
  /** For MongoDB: what `add` inserts. */
  readonly document: OutboxDocument
  /** For PostgreSQL: what `add` executes. */
  readonly sql: { readonly text: string; readonly values: readonly string[] }
}

/** Where starts are written. Default: `carillon_outbox`. */
export interface OutboxPlace {
  /** Of MongoDB, itself or its name. Default: that of the connection's URL. */
  readonly database?: string | MongoDatabase | undefined
  /** The collection, or the table. */
  readonly table?: string | undefined
}

/** Publishes what transactions have committed. */
export interface OutboxRelay {
  /** Waits for what it is sending. What is left is sent by the next one. */
  stop(): Promise<void>
}

/** Time for the mesh to accept a start, ms. */
const ACCEPT_MS = 5_000
const KEY_LETTERS = 26

/** Starts runs within transactions of the user's own database: both happen, or neither. */
export class TransactionalOutbox {
  readonly #caller: Caller
  readonly #link: ClientLink
  readonly #onWarning: OnWarning
  readonly #starter: RunStarter
  readonly #relays = new Set<Relay>()

  /** @internal */
  constructor(options: { link: ClientLink; caller: Caller; onWarning: OnWarning }) {
    this.#link = options.link
    this.#caller = options.caller
    this.#onWarning = options.onWarning
    this.#starter = new RunStarter(options.caller)
  }

  /**
   * The start of a run: `client.run`, but that nothing is sent. Call it outside of the function that a driver may run again. A `key` of the options is the key of the run.
   * @throws CarillonError as `client.run`, before anything is written
   */
  start(name: string, payload?: unknown, options: RunOptions = {}): OutboxStart {
    const { namespace, clock } = this.#caller
    const { key = randomLetters(KEY_LETTERS), ...rest } = checkObject('options', options)
    const { text: request } = startItemOf({ ...rest, job: name, payload, key })
    const requestedAt = new Date(clock.now())
    const sql = `insert into "${OUTBOX_NAME}" ("key", "namespace", "request") values ($1, $2, $3)`
    return {
      runId: runIdOfKey(namespace, key),
      key,
      document: { _id: key, namespace, request, requestedAt, claimableAt: new Date(0) },
      sql: { text: sql, values: [key, namespace, request] },
    }
  }

  /**
   * Writes into the transaction of a session of the driver `mongodb`.
   * @throws CarillonError INVALID_REQUEST of a session without a transaction
   */
  mongodb(session: MongoSession, { database, table = OUTBOX_NAME }: OutboxPlace = {}) {
    const collection = collectionOf(databaseOf(session, database), checkTableName(table))
    return {
      add: async (start: OutboxStart): Promise<{ readonly runId: string }> => {
        await collection.insertOne({ ...start.document }, { session: session as never })
        return { runId: start.runId }
      },
    }
  }

  /** Writes with the client of a transaction of the driver `pg`. */
  postgres(client: PostgresClient, { table = OUTBOX_NAME }: OutboxPlace = {}) {
    const into = checkTableName(table)
    return {
      add: async ({ runId, sql }: OutboxStart): Promise<{ readonly runId: string }> => {
        await client.query(sql.text.replace(`"${OUTBOX_NAME}"`, `"${into}"`), [...sql.values])
        return { runId }
      },
    }
  }

  /**
   * Makes collection or table where they are missing, and publishes what is in it until `stop`, or `mesh.stop`. Any number of processes may.
   * @param from `mongodb`: a database of the driver; `postgres`: a pool
   */
  relay(
    from:
      | { readonly mongodb: MongoDatabase; readonly postgres?: undefined }
      | { readonly postgres: PostgresClient; readonly mongodb?: undefined },
    { table = OUTBOX_NAME }: Pick<OutboxPlace, 'table'> = {},
  ): OutboxRelay {
    const name = checkTableName(table)
    const { clock, namespace } = this.#caller
    const { mongodb, postgres } = checkObject('from', from)
    if ((mongodb === undefined) === (postgres === undefined))
      throw new CarillonError('INVALID_REQUEST', 'from is wrong: it names no database', {
        field: 'from',
        hint: "Pass { mongodb: client.db('shop') } or { postgres: pool }.",
      })
    const place = mongodb
      ? new MongoOutbox(mongodb, { name, now: () => clock.now() })
      : new PostgresOutbox(postgres as PostgresClient, name)
    const port = { clock, namespace, onWarning: this.#onWarning, isUp: () => this.#link.isUp, send: (row: OutboxRow) => this.#send(row) }
    const relay = new Relay(place, port)
    this.#relays.add(relay)
    return {
      stop: async () => {
        await relay.stop()
        this.#relays.delete(relay)
      },
    }
  }

  /** @internal */
  async stop(): Promise<void> {
    await Promise.all([...this.#relays].map((relay) => relay.stop()))
    this.#relays.clear()
  }

  async #send({ key, request, requestedAt }: OutboxRow): Promise<CarillonError | undefined> {
    try {
      const { id: _id, ...start } = startIn(request, key)
      const text = writeJson({ ...start, key, requestedAt }, REQUEST)
      await this.#starter.start({ text, bytes: Buffer.byteLength(text), id: undefined }, { timeoutMs: ACCEPT_MS })
      return undefined
    } catch (error) {
      const refusal = CarillonError.from(error)
      if (refusal.retry || refusal.code === 'NOT_CONNECTED') throw refusal
      return refusal
    }
  }
}

/** SQL that makes the table of PostgreSQL, for a migration of the user's own. */
export const outboxSql = (table: string = OUTBOX_NAME): string => outboxTableSql(checkTableName(table))

const REQUEST = { field: 'request', maxBytes: LIMITS.messageBytes, tooLarge: 'PAYLOAD_TOO_LARGE', notJson: 'INVALID_JSON' } as const

/** What another program has written. What JavaScript cannot hold is refused when it is used. @throws CarillonError INVALID_REQUEST */
function startIn(request: string, key: string): Readonly<Record<string, unknown>> {
  const start = parseBody(Buffer.from(request))
  if (typeof start !== 'object' || start === null || Array.isArray(start) || start instanceof UnacceptableJson) {
    const value = printable(request)
    const hint = 'Write the start as an object: {"job":"ship","payload":{"order":"A1"}}.'
    throw new CarillonError('INVALID_REQUEST', `request is no JSON object: ${value}`, { field: 'request', value, hint })
  }
  const { key: other } = start as { key?: unknown }
  if (other === undefined || other === key) return start as Readonly<Record<string, unknown>>
  const value = printable(other)
  const hint = 'Write the key of the run into the column key (MongoDB: _id), and leave it out of the request.'
  throw new CarillonError('INVALID_REQUEST', `request.key is ${value}, and the row has the key ${printable(key)}`, {
    field: 'request.key',
    value,
    hint,
  })
}
