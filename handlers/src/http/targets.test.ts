import assert from 'node:assert/strict'
import type { LookupAddress, LookupOptions } from 'node:dns'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { guardedLookup } from '@carillon/wire/internal'
import { answerWith, meshWith, namesOf, rangeOfTests, serve } from './testing-server.ts'

/** Listens where no request may arrive: for these tests 127.0.0.2 is not the internet. */
const forbidden = (t: Parameters<typeof serve>[0]) => serve(t, answerWith(200, {}, 'the secrets of this network'), '127.0.0.2')

test('hosts that are addresses are refused in every form, before any connection', async (t) => {
  const server = await forbidden(t)
  const { run } = meshWith(t)
  for (const host of [
    '127.0.0.2',
    '2130706434',
    '0x7f000002',
    '0x7f.0.0.2',
    '0177.0.0.2',
    '127.2',
    '0177.2',
    '①②⑦.0.0.2',
    '[::ffff:127.0.0.2]',
    '[::ffff:7f00:2]',
    '[0:0:0:0:0:ffff:127.0.0.2]',
    '[64:ff9b::127.0.0.2]',
    '[::127.0.0.2]',
    '0.0.0.0',
    '0',
    '[::]',
    '[::1]',
    '169.254.169.254',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '10.0.0.1',
    '100.64.0.1',
    '168.63.129.16',
  ]) {
    const refused = await run({ url: `http://${host}:${server.port}/` }, 3)
    assert.deepEqual([refused.state, refused.reason, refused.attempt], ['failed', 'non-retryable', 1], host)
    assert.match(
      refused.failure?.message ?? '',
      /^url is wrong: .* is no public address \(.+\)\. Only an executor with --allow-private/,
      host,
    )
  }
  assert.equal(server.requests.length, 0)
})

test('a name is refused if one of its addresses is not public', async (t) => {
  const server = await forbidden(t)
  const open = await serve(t, answerWith(200, {}, 'open'))
  const lookup = namesOf({
    'inside.example': [['127.0.0.2']],
    'both.example': [['127.0.0.1', '127.0.0.2']],
    'mapped.example': [['::ffff:127.0.0.2']],
    'metadata.example': [['169.254.169.254']],
    'localhost.': [['127.0.0.2']],
    'open.example': [['127.0.0.1']],
    'nowhere.example': [[]],
  })
  const { run } = meshWith(t, { lookup })
  for (const host of ['inside.example', 'both.example', 'mapped.example', 'metadata.example', 'localhost.']) {
    const refused = await run({ url: `http://${host}:${server.port}/` }, 3)
    assert.deepEqual([refused.reason, refused.attempt], ['non-retryable', 1], host)
    assert.match(refused.failure?.message ?? '', new RegExp(`^url is wrong: ${host} leads to [\\d.:a-f]+, which is no public address`))
  }
  assert.equal(server.requests.length, 0)
  assert.equal((await run({ url: `http://open.example:${open.port}/` })).result.body, 'open')
  assert.match(
    (await run({ url: 'http://nowhere.example/' })).failure?.message ?? '',
    /^GET http:\/\/nowhere\.example\/: nowhere\.example has no address/,
  )
})

test('redirects are checked as the first URL is', async (t) => {
  const inside = await forbidden(t)
  const lookup = namesOf({ 'inside.example': [['127.0.0.2']] })
  const { run } = meshWith(t, { lookup })
  for (const location of [
    'http://169.254.169.254/latest/meta-data/',
    `http://127.0.0.2:${inside.port}/`,
    `//2130706434:${inside.port}/`,
    `http://inside.example:${inside.port}/`,
    `http://[::ffff:127.0.0.2]:${inside.port}/`,
  ]) {
    const open = await serve(t, answerWith(302, { location }, ''))
    const refused = await run({ url: open.url }, 3)
    assert.deepEqual([refused.reason, refused.attempt, open.requests.length], ['non-retryable', 1, 1], location)
    assert.match(refused.failure?.message ?? '', /is no public address/)
  }
  for (const location of ['file:///etc/passwd', 'gopher://127.0.0.1/', 'http://'])
    assert.match(
      (await run({ url: (await serve(t, answerWith(302, { location }, ''))).url })).failure?.message ?? '',
      /no http or https URL/,
    )
  assert.equal(inside.requests.length, 0)
})

test('a name that leads elsewhere the next moment: the connection goes to the address that was checked', async (t) => {
  const open = await serve(t, answerWith(200, { connection: 'keep-alive' }, 'open'))
  const inside = await forbidden(t)
  const lookup = namesOf({ 'rebind.example': [['127.0.0.1'], ['127.0.0.2']] })
  const { run } = meshWith(t, { lookup })
  const url = `http://rebind.example:${open.port}/`
  assert.equal((await run({ url })).result.body, 'open')
  assert.deepEqual(lookup.asked, ['rebind.example'], 'one look-up for check and connection')
  // The next request is another connection, look-up and check, though the server would keep the first one open.
  assert.equal((await run({ url })).reason, 'non-retryable')
  assert.deepEqual([lookup.asked.length, inside.requests.length], [2, 0])
})

test('the guard answers in the form that was asked for, and passes on what went wrong', async () => {
  const names = namesOf({ 'two.example': [['127.0.0.1', '1.1.1.1']] })
  const look = (options: LookupOptions, lookup = guardedLookup(names, rangeOfTests)) =>
    new Promise<unknown[]>((resolve) => lookup('two.example', options, (...found) => resolve(found)))
  assert.deepEqual(await look({ all: true }), [
    null,
    [
      { address: '127.0.0.1', family: 4 },
      { address: '1.1.1.1', family: 4 },
    ],
  ])
  assert.deepEqual(await look({}), [null, '127.0.0.1', 4])
  const failure = new Error('ENOTFOUND')
  const failing = guardedLookup((_name, _options, callback) => callback(failure, []), rangeOfTests)
  await assert.rejects(
    promisify<LookupAddress[]>((done) => failing('x', { all: true }, (error, found) => done(error, found as LookupAddress[])))(),
    failure,
  )
})
