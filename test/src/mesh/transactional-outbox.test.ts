import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { CarillonError, type Mesh, outboxSql, type Warning } from '@carillon/sdk'
import { eventually } from '@carillon/wire/testing'
import { MongoClient } from 'mongodb'
import pg from 'pg'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { openPostgres, SKIP_WITHOUT_POSTGRES } from '../support/postgres.ts'
import { fork, messageOf } from '../support/processes.ts'
import { mongodb, sqlite } from '../support/stores.ts'

const RELAY = fileURLToPath(new URL('../support/relaying-main.js', import.meta.url))
const IN_MINUTES = 60_000
const DAY_MS = 86_400_000

/** A mesh whose runs are counted, and a client in its namespace. */
async function startShop(context: TestContext) {
  const cleanup = new Cleanup(context)
  const mesh = await startMesh(cleanup, { store: sqlite })
  const namespace = freshNamespace()
  const warnings: Warning[] = []
  const shop = await mesh.connect({ namespace, onWarning: (warning) => warnings.push(warning) })
  const shipped: unknown[] = []
  shop.handle('ship', ({ payload }) => {
    shipped.push(payload)
    return payload as null
  })
  await shop.start()
  return { cleanup, mesh, namespace, shop, shipped, warnings }
}

const countOf = async (mesh: TestMesh, namespace: string) =>
  (await mesh.store.runs.list({ namespace, limit: 1_000 })).items.filter(({ handler }) => handler === 'ship').length
const numbers = (shipped: readonly unknown[]) => [...(shipped as number[])].sort((a, b) => a - b)
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

/** Until the relay has published it there is no such run. */
async function resultOf({ client }: Mesh, runId: string): Promise<unknown> {
  await eventually('the run is there', () => client.runs.get(runId).catch(() => undefined))
  return client.handleOf(runId).result({ timeoutMs: IN_MINUTES })
}

/** A database of MongoDB that is dropped at the end. */
async function openMongo(cleanup: Cleanup) {
  const url = new URL(mongodb.fresh(cleanup))
  const client = await MongoClient.connect(url.href)
  cleanup.add('client of MongoDB', () => client.close())
  return { client, database: client.db(url.pathname.slice(1)), url: url.href }
}

async function inTransaction(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<void>, end: 'commit' | 'rollback' = 'commit') {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
    await client.query(end)
  } finally {
    client.release()
  }
}

test('PostgreSQL: what a transaction commits is started once, what it rolls back never is; its order is no matter', {
  skip: SKIP_WITHOUT_POSTGRES,
}, async (context) => {
  const { cleanup, mesh, namespace, shop, shipped } = await startShop(context)
  const { pool, table } = openPostgres(cleanup)
  const relay = shop.outbox.relay({ postgres: pool }, { table })
  await eventually('the table is there', async () => (await pool.query('select to_regclass($1) as t', [table])).rows[0]?.t !== null)
  const first = shop.outbox.start('ship', 1)
  const slow = new pg.Client(pool.options)
  await slow.connect()
  cleanup.add('the slow transaction', () => slow.end())
  await slow.query('begin')
  await shop.outbox.postgres(slow, { table }).add(shop.outbox.start('ship', 0))
  await inTransaction(pool, async (client) => void (await shop.outbox.postgres(client, { table }).add(first)))
  assert.equal(await resultOf(shop, first.runId), 1)
  await inTransaction(
    pool,
    async (client) => void (await shop.outbox.postgres(client, { table }).add(shop.outbox.start('ship', 99))),
    'rollback',
  )
  // It began first, and commits last: a relay that remembers how far it has read would pass over it.
  await slow.query('commit')
  // The plain statement of the documents, in any language: the table makes the key.
  await pool.query(`insert into "${table}" ("namespace", "request") values ($1, '{"handler":"ship","payload":2}')`, [namespace])
  await pool.query(`insert into "${table}" ("key", "namespace", "request") values ('bad', $1, '{"handler":"ship","attempts":0}')`, [
    namespace,
  ])
  const others = [
    ['large', '{"handler":"ship","payload":{"n":12345678901234567890}}', 'INTEGER_TOO_LARGE'],
    ['beyond', '{"handler":"ship","payload":[1e400]}', 'INTEGER_TOO_LARGE'],
    ['keyed', '{"handler":"ship","key":"A1"}', 'INVALID_REQUEST'],
  ] as const
  for (const [key, request, code] of others) {
    await pool.query(`insert into "${table}" ("key", "namespace", "request") values ($1, $2, $3)`, [key, namespace, request])
    const marked = () => pool.query(`select "refused"->>'code' as code from "${table}" where "key" = $1`, [key])
    await eventually(`${key} is refused, and not changed`, async () => (await marked()).rows[0]?.code === code)
    await pool.query(`delete from "${table}" where "key" = $1`, [key])
  }
  await eventually('all are shipped', () => shipped.length === 3)
  const codeOf = `select "refused"->>'code' as code from "${table}" where "key" = 'bad' and "claimable_at" = 'infinity'`
  await eventually('what is wrong is marked', async () => (await pool.query(codeOf)).rows[0]?.code === 'INVALID_REQUEST')
  await pool.query(`delete from "${table}" where "key" = 'bad'`)
  await eventually('no row is left', async () => (await pool.query(`select 1 from "${table}"`)).rows.length === 0)
  await relay.stop()
  assert.deepEqual([numbers(shipped), await countOf(mesh, namespace)], [[0, 1, 2], 3])
  assert.match(outboxSql(), /create table if not exists "carillon_outbox"/)
})

test('PostgreSQL: several relays, of which some are killed between publishing and deleting, start each run once', {
  skip: SKIP_WITHOUT_POSTGRES,
}, async (context) => {
  const { cleanup, mesh, namespace, shop, shipped } = await startShop(context)
  const { pool, table } = openPostgres(cleanup)
  await pool.query(outboxSql(table))
  const options = { table }
  await inTransaction(pool, async (client) => {
    for (const n of upTo(300)) await shop.outbox.postgres(client, options).add(shop.outbox.start('ship', n))
  })
  const { host, user, database } = pool.options
  const environment = { URL: mesh.broker.url, NAMESPACE: namespace, TABLE: table, PG: JSON.stringify({ host, user, database }) }
  // Each of these dies with its first claim published and not deleted.
  for (let i = 0; i < 2; i++) {
    const relay = fork(cleanup, RELAY, environment)
    assert.equal(await messageOf(relay), 'published')
    await relay.kill9()
  }
  await pool.query(`update "${table}" set "claimable_at" = '-infinity'`)
  const relays = [shop.outbox.relay({ postgres: pool }, options), shop.outbox.relay({ postgres: pool }, options)]
  await eventually('no row is left', async () => (await pool.query(`select 1 from "${table}"`)).rows.length === 0)
  await eventually('all are shipped', () => shipped.length >= 300)
  for (const relay of relays) await relay.stop()
  assert.deepEqual([numbers(shipped), await countOf(mesh, namespace)], [upTo(300), 300])
})

test('MongoDB: claims with a lease give each document to one relay, and what a dead one held to another', {
  skip: mongodb.skip,
}, async (context) => {
  const { cleanup, mesh, namespace, shop, shipped } = await startShop(context)
  const { database } = await openMongo(cleanup)
  const table = 'outbox'
  const collection = database.collection<{ _id: string; [field: string]: unknown }>(table)
  const starts = upTo(250).map((n) => shop.outbox.start('ship', n))
  await collection.insertMany(starts.map(({ document }) => ({ ...document })))
  // Of a relay that died: its lease is over for some, and not for others.
  await collection.updateMany(
    { _id: { $in: starts.slice(0, 10).map(({ key }) => key) } },
    { $set: { claim: 'dead', claimableAt: new Date(Date.now() - 1) } },
  )
  const held = starts.slice(10, 12).map(({ key }) => key)
  await collection.updateMany({ _id: { $in: held } }, { $set: { claim: 'slow', claimableAt: new Date(Date.now() + IN_MINUTES) } })
  const others = await Promise.all([1, 2].map(() => mesh.connect({ namespace })))
  const relays = [shop, ...others].map(({ outbox }: Mesh) => outbox.relay({ mongodb: database }, { table }))
  await eventually('all are shipped but what another one holds', () => shipped.length === 248)
  await collection.updateMany({ _id: { $in: held } }, { $set: { claimableAt: new Date(0) } })
  await eventually('all are shipped', () => shipped.length === 250)
  await eventually('nothing is left', async () => (await collection.countDocuments()) === 0)
  for (const relay of relays) await relay.stop()
  assert.deepEqual([numbers(shipped), await countOf(mesh, namespace)], [upTo(250), 250])
  const [first] = starts
  assert.equal((await shop.client.runs.get(first?.runId ?? '')).key, first?.key)
})

test('what the mesh refuses for good, and what is too old, is left for a person with its code, and holds up nothing', {
  skip: mongodb.skip,
}, async (context) => {
  const { cleanup, shop, shipped, warnings } = await startShop(context)
  const { database } = await openMongo(cleanup)
  const collection = database.collection<{ _id: string; [field: string]: unknown }>('outbox')
  const old = shop.outbox.start('ship', 1).document
  const wrong = shop.outbox.start('ship', 2).document
  const text = shop.outbox.start('ship', 3).document
  const good = shop.outbox.start('ship', 4)
  await collection.insertMany([
    { ...old, requestedAt: new Date(Date.now() - 31 * DAY_MS) },
    { ...wrong, request: '{"job":"ship","attempts":-1}' },
    { ...text, request: '[1]' },
    { ...good.document },
  ])
  const relay = shop.outbox.relay({ mongodb: database }, { table: 'outbox' })
  await resultOf(shop, good.runId)
  const codes = async () =>
    Object.fromEntries(
      (await collection.find().toArray()).map(({ _id, refused }) => [_id, (refused as { code?: string } | undefined)?.code]),
    )
  const expected = { [old._id]: 'START_TOO_OLD', [wrong._id]: 'INVALID_REQUEST', [text._id]: 'INVALID_REQUEST' }
  await eventually('each is marked', async () => isDeepStrictEqual(await codes(), expected))
  assert.deepEqual([shipped, warnings.filter(({ code }) => code === 'outbox').length], [[4], 3])
  // A person has corrected it, and lets it be claimed again.
  await collection.updateOne({ _id: wrong._id }, { $set: { request: wrong.request, claimableAt: new Date() }, $unset: { refused: '' } })
  await eventually('it is shipped', () => shipped.includes(2))
  await relay.stop()
})

test('MongoDB: what a transaction writes is started when it commits, and not when it is rolled back', {
  skip: mongodb.skip,
}, async (context) => {
  const { cleanup, shop, shipped } = await startShop(context)
  const { client, database } = await openMongo(cleanup)
  await database.createCollection('orders')
  const relay = shop.outbox.relay({ mongodb: database })
  const ship = shop.outbox.start('ship', 1)
  const session = client.startSession()
  cleanup.add('session', () => session.endSession())
  const place = { database: database.databaseName }
  assert.throws(() => shop.outbox.mongodb(session, place), isRefused('INVALID_REQUEST'))
  try {
    await session.withTransaction(async () => {
      await database.collection('orders').insertOne({ order: 1 }, { session })
      await shop.outbox.mongodb(session, place).add(ship)
      throw new RolledBack()
    })
  } catch (error) {
    if (!(error instanceof RolledBack)) return context.skip(`this engine has no transactions: ${String(error)}`)
    if ((await database.collection('orders').countDocuments()) > 0)
      return context.skip('this engine has no transactions: it keeps what was rolled back')
  }
  await session.withTransaction(async () => void (await shop.outbox.mongodb(session, place).add(ship)))
  await resultOf(shop, ship.runId)
  assert.deepEqual(shipped, [1])
  await relay.stop()
})

class RolledBack extends Error {}
const isRefused = (code: string) => (error: unknown) => CarillonError.is(error) && error.code === code

test('wrong input is refused where it is given, before anything is written', async (context) => {
  const { shop } = await startShop(context)
  const cases: readonly (() => unknown)[] = [
    () => shop.outbox.start('a b'),
    () => shop.outbox.start('ship', undefined, { attempts: 0 }),
    () => shop.outbox.relay({} as never),
    () => shop.outbox.mongodb({} as never),
    () => shop.outbox.postgres({ query: async () => ({ rows: [] }) }, { table: 'a"b' }),
  ]
  for (const wrong of cases) assert.throws(wrong, (error) => CarillonError.is(error) && error.code.startsWith('INVALID_'))
})
