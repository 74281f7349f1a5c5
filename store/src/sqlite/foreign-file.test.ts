import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { openSqliteStore } from './sqlite-store.ts'

const files = {
  'of another program': 'create table "places" ("id" integer primary key, "url" text)',
  'with tables that have our names': 'create table "runs" ("id" integer primary key); create table "jobs" ("id" integer)',
  'with migrations of another program':
    'create table "migrations" ("id" integer primary key, "name" text); create table "users" ("id" text)',
}

for (const [name, sql] of Object.entries(files)) {
  test(`a database ${name} is refused as no store, and nothing is changed in or beside it`, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'other.db')
    const other = new DatabaseSync(path)
    other.exec(sql)
    other.close()
    const before = readFileSync(path)
    assert.throws(
      () => openSqliteStore({ path, synchronous: 'normal', readOnly: false }),
      (error: CarillonError) => error.code === 'STORE_UNAVAILABLE' && /other\.db: it is a database of another program/.test(error.message),
    )
    assert.deepEqual(readFileSync(path), before)
    assert.deepEqual(readdirSync(folder), ['other.db'])
  })
}

test('an empty file, and a database without tables, become a store', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'new.db')
  const other = new DatabaseSync(path)
  other.exec('pragma user_version = 3')
  other.close()
  for (const time of ['first', 'again']) {
    const store = openSqliteStore({ path, synchronous: 'normal', readOnly: false })
    await assert.doesNotReject(store.check(), time)
    await store.close()
  }
})
