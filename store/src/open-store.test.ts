import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { openStore } from './open-store.ts'
import { maskStoreUrl, parseStoreUrl } from './store-url.ts'

test('store URLs', () => {
  const sqlite = (path: string) => ({ kind: 'sqlite', path, synchronous: 'normal' })
  assert.deepEqual(parseStoreUrl('sqlite:/data/a.db'), sqlite('/data/a.db'))
  assert.deepEqual(parseStoreUrl('sqlite:///data/a%20b.db'), sqlite('/data/a b.db'))
  assert.deepEqual(parseStoreUrl('sqlite:./a.db'), sqlite('./a.db'))
  assert.deepEqual(parseStoreUrl('sqlite::memory:'), sqlite(':memory:'))
  assert.deepEqual(parseStoreUrl('sqlite:a.db?synchronous=full'), { kind: 'sqlite', path: 'a.db', synchronous: 'full' })
  const database = (url: string) => (parseStoreUrl(url) as { database?: string }).database
  assert.equal(database('mongodb://a,b:27018/jobs?replicaSet=rs'), 'jobs')
  assert.equal(database('mongodb://u:p%2F@a/?w=1'), 'carillon')
  assert.equal(database('mongodb+srv://u:p@cluster.example'), 'carillon')
})

test('a wrong URL is INVALID_CONFIG of the field store, and shows no password', async () => {
  const urls = [
    '',
    'sqlite:',
    'sqlite:a.db?mode=ro',
    'sqlite:a.db?synchronous=off',
    'sqlite:%zz',
    'postgres://u:geheim@host/db',
    'mongodb://u:geheim@host/a.b',
    'mongodb://u:geheim@host/a b',
    'mongodb://u:geheim@host:99999/',
    'mongodb://u:geheim@host/?authMechanism=nothing',
    'mongodb://',
  ]
  for (const url of urls) {
    await assert.rejects(
      () => openStore(url),
      (error) =>
        CarillonError.is(error) &&
        error.code === 'INVALID_CONFIG' &&
        error.details.field === 'store' &&
        !JSON.stringify([error.message, error.toBody()]).includes('geheim'),
      url,
    )
  }
})

test('passwords are masked wherever they stand', () => {
  assert.equal(maskStoreUrl('mongodb://ada:geh@im@host/db'), 'mongodb://ada:***@host/db')
  assert.equal(maskStoreUrl('mongodb://ada:geh/eim@host/db'), 'mongodb://ada:***@host/db')
  assert.equal(
    maskStoreUrl('mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:x'),
    'mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:x',
  )
  assert.equal(maskStoreUrl('mongodb://h/?tlsCertificateKeyFilePassword=geheim&w=1'), 'mongodb://h/?tlsCertificateKeyFilePassword=***&w=1')
  assert.equal(maskStoreUrl('sqlite:/data/a.db'), 'sqlite:/data/a.db')
})

test('a file that cannot be a store is refused with a code, at once', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-store-'))
  context.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'text'), 'no database, and long enough for the header of one: '.repeat(20))
  mkdirSync(join(folder, 'folder'))
  symlinkSync('loop', join(folder, 'loop'))
  symlinkSync('/nonexistent/deep', join(folder, 'dangling'))
  const socket = createServer().listen(join(folder, 'socket'))
  await once(socket, 'listening')
  context.after(() => socket.close())
  const own = ['text', 'folder', 'loop', 'dangling', 'dangling/a.db', 'text/a.db', 'socket'].map((name) => join(folder, name))
  const system = ['/proc/x/c.db', '/proc/c.db', '/sys/x/c.db', '/dev/null', '/dev/zero', '/dev/full', '/dev/null/c.db', '/', '.']
  for (const path of [...own, ...system, `/${'a'.repeat(300)}/c.db`])
    await assert.rejects(
      () => openStore(`sqlite:${path}`),
      (error) => CarillonError.is(error) && /^STORE_(UNAVAILABLE|READ_ONLY)$/.test(error.code) && error.message.includes(path),
      path,
    )
  assert.deepEqual(readdirSync(folder).sort(), ['dangling', 'folder', 'loop', 'socket', 'text'], 'and leaves nothing behind')
})

test('a MongoDB that is not there is STORE_UNAVAILABLE', async () => {
  await assert.rejects(
    () => openStore('mongodb://ada:geheim@127.0.0.1:1/?serverSelectionTimeoutMS=100'),
    (error) => CarillonError.is(error) && error.code === 'STORE_UNAVAILABLE' && !error.message.includes('geheim'),
  )
})
