/** The examples of examples/ are run as they are. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { within } from '@carillon/wire/testing'
import { Cleanup } from './support/cleanup.ts'
import { startMesh, type TestMesh } from './support/mesh.ts'
import { launch } from './support/processes.ts'
import { sqlite } from './support/stores.ts'

const fileOf = (path: string) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url))

describe('examples', { concurrency: 4 }, () => {
  const cleanup = new Cleanup({ after })
  let mesh: TestMesh
  before(async () => {
    mesh = await startMesh(cleanup, { store: sqlite })
  })

  const start = (context: TestContext, path: string, ...args: string[]) =>
    launch(new Cleanup(context), [process.execPath, fileOf(path), ...args], { env: { CARILLON_NATS_URL: mesh.broker.url } })

  test('send-invoice: the service of the README answers itself, and drains on SIGTERM', async (context) => {
    const example = start(context, 'dist/send-invoice.js')
    await example.shows(/sent: true/)
    example.signal('SIGTERM')
    assert.deepEqual(await within(60_000, 'the service ends', example.exited), { code: 0, signal: null })
  })

  test('retried-payment: the bank is down, the broker dies, the service is killed: all payments are made when they are back', async (context) => {
    const own = new Cleanup(context)
    const { broker } = await startMesh(own, { store: sqlite })
    const run = (bankIs: string) =>
      launch(own, [process.execPath, fileOf('dist/retried-payment.js'), folder, bankIs], { env: { CARILLON_NATS_URL: broker.url } })
    const folder = own.folder()
    const first = run('down')
    await first.shows(/order 5: later, by run \w+, kept in the mesh/)
    await broker.kill9()
    await first.shows(/kept in the outbox/)
    await first.shows(/all are requested/)
    await first.kill9()
    await broker.start()
    const second = run('up')
    assert.deepEqual(await within(60_000, 'all are paid', second.exited), { code: 0, signal: null }, second.stderr())
    assert.match(second.stdout(), /^30 payments/)
  })

  test('order: a handler that is defined once, and tested beside, is offered and requested', async (context) => {
    const example = start(context, 'dist/order/service.js')
    assert.deepEqual(await within(60_000, 'the example ends', example.exited), { code: 0, signal: null }, example.stderr())
    assert.match(example.stdout(), /^book is sent\nreceipt 6 letters, charged 20\.\.\n$/)
  })

  test('workers: results in bulk, and an error with its code', async (context) => {
    const example = start(context, 'dist/workers.js')
    assert.deepEqual(await within(60_000, 'the example ends', example.exited), { code: 0, signal: null }, example.stderr())
    assert.equal(example.stdout(), `${'{ byteLength: 1 }\n'.repeat(3)}RUN_NOT_SUCCEEDED\n`)
  })

  test('export-table: a million rows in eight shards, each row once', async (context) => {
    const example = start(context, 'dist/export-table.js')
    assert.deepEqual(await within(60_000, 'the example ends', example.exited), { code: 0, signal: null }, example.stderr())
    assert.equal(example.stdout(), '{ tasks: { succeeded: 8 } }\n8 1000000\n')
  })

  test('payment: killed at every point, every payment is made once', async (context) => {
    const example = start(context, 'dist/payment.js')
    assert.deepEqual(await within(90_000, 'the example ends', example.exited), { code: 0, signal: null }, example.stderr())
    const asked = (reserve: number, charge: number, mail: number) =>
      `reserve asked ${reserve}×, charge asked ${charge}×, mail asked ${mail}×`
    assert.deepEqual(example.stdout().trim().split('\n'), [
      '7 executors were killed',
      `killed before reserve: ${asked(1, 1, 1)}`,
      `killed within reserve: ${asked(2, 1, 1)}`,
      `killed before charge: ${asked(1, 1, 1)}`,
      `killed within charge: ${asked(1, 2, 1)}`,
      `killed before mail: ${asked(1, 1, 1)}`,
      `killed within mail: ${asked(1, 1, 2)}`,
      `killed after the last step: ${asked(1, 1, 1)}`,
      '21 of 21 made, each once',
    ])
  })

  const printed = async (context: TestContext, path: string) => {
    const example = start(context, path)
    assert.deepEqual(await within(60_000, 'the example ends', example.exited), { code: 0, signal: null }, example.stderr())
    return example.stdout().trim().split('\n')
  }

  test('order-workflow: charged at once or when approved; what failed, or was rejected, is undone, the last thing first', async (context) => {
    assert.deepEqual(await printed(context, 'dist/order-workflow.js'), [
      'A1 succeeded {"shipped":2,"told":"succeeded"}',
      '   reserve succeeded, check succeeded, approve not_needed, charge succeeded, ship-each succeeded, tell succeeded',
      '   reserve, charge',
      'A2 succeeded {"shipped":2,"told":"succeeded"}',
      '   reserve succeeded, check succeeded, approve succeeded, charge succeeded, ship-each succeeded, tell succeeded',
      '   reserve, charge',
      'A3 failed compensation complete',
      '   reserve compensated, check succeeded, approve succeeded, charge compensated, ship-each failed, tell blocked',
      '   reserve, charge, refund, release',
      'A4 failed compensation complete',
      '   reserve compensated, check succeeded, approve failed, charge blocked, ship-each blocked, tell blocked',
      '   reserve, release',
    ])
  })

  test('nightly-etl: 10,000 files, each once, but those that failed; the last node has the counts', async (context) => {
    assert.deepEqual(await printed(context, 'dist/nightly-etl.js'), [
      '{"total":10000,"succeeded":9998,"failed":2}',
      '9998 files in the warehouse, 10 at the second try',
    ])
  })

  test('sales-report: the context decides, one branch of two runs, a failure is skipped', async (context) => {
    const nodes = (board: string, team: string) =>
      `add-up succeeded, rate succeeded, size succeeded, board ${board}, team ${team}, archive failed`
    assert.deepEqual(await printed(context, 'dist/sales-report.js'), [
      '{"total":1200,"by":"board, 1200 × 1.1","archive":"failed"}',
      nodes('succeeded', 'not_needed'),
      '{"total":50,"by":"team","archive":"failed"}',
      nodes('not_needed', 'succeeded'),
    ])
  })

  test('restarted-steps: a run goes on where it failed, and at a step', async (context) => {
    assert.deepEqual(await printed(context, 'dist/restarted-steps.js'), [
      'RUN_NOT_SUCCEEDED | done: build, test',
      'restarted where it failed | done: push shop:7, announce',
      'restarted at a step | done: test, push shop:7, announce',
    ])
  })

  test('word-count: as many words as wc finds in the same files', async (context) => {
    const folder = new Cleanup(context).folder()
    mkdirSync(join(folder, 'deeper'))
    for (let file = 0; file < 10; file++) {
      const lines = Array.from(
        { length: 2_000 + file },
        (_, line) => `${' \t'.repeat(line % 3)}word ${'of letters  '.repeat((line + file) % 7)}`,
      )
      writeFileSync(join(folder, file % 2 === 0 ? 'deeper' : '.', `${file}.txt`), lines.join(file % 3 === 0 ? '\r\n' : '\n'))
    }
    const example = start(context, 'dist/word-count.js', folder)
    assert.deepEqual(await within(60_000, 'the example ends', example.exited), { code: 0, signal: null }, example.stderr())
    const { stdout } = await promisify(execFile)('sh', ['-c', 'find "$0" -type f -exec wc -w {} + | tail -n 1', folder])
    const [stages, words] = [example.stdout().split('\n')[0], /^(\d+) words$/m.exec(example.stdout())?.[1]]
    assert.deepEqual([stages, words], ['1 × root, 10 × file, 3 × reduce, 1 × merge', /^ *(\d+) total$/m.exec(stdout)?.[1]])
  })

  test('word-count without a folder counts one of its own', async (context) => {
    const example = start(context, 'dist/word-count.js')
    assert.deepEqual(await within(60_000, 'the example ends', example.exited), { code: 0, signal: null }, example.stderr())
    assert.match(example.stdout(), /^1 × root, 7 × file, 3 × reduce, 1 × merge\n[\s\S]*\n\d+ words\n$/)
  })

  test('cjs: a CommonJS service', async (context) => {
    const example = start(context, 'cjs/service.cjs')
    await example.shows(/^ready /m)
    const { client } = await mesh.connect({ namespace: 'default' })
    assert.deepEqual(await (await client.run('cjs-hello', { name: 'Ada' })).result(), { greeting: 'Hello, Ada!' })
    example.signal('SIGTERM')
    assert.deepEqual(await within(60_000, 'the service ends', example.exited), { code: 0, signal: null })
  })
})
