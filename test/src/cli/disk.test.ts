import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '@carillon/wire/testing'
import { connect } from '@nats-io/transport-node'
import { type Cli, cliFor, startCli, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { mountSmallDisk, whyNoSmallDisk } from '../support/small-disk.ts'

const skip = whyNoSmallDisk()
const SELDOM = { everyMs: 500 }

const runs = async (carillon: Cli) => (await carillon(['run', 'hello', '--timeout', '10s'])).code === 0
const streamsOf = async (carillon: Cli) => {
  const health = (await carillon(['health', 'coordinator', '--json'])).json<{ checks: { name: string; ok: boolean; message: string }[] }>()
  const check = health.checks.find(({ name }) => name === 'streams')
  return check ?? assert.fail('health says nothing of streams')
}

describe('a small disk', { skip: skip ?? false, concurrency: true }, () => {
  test('the mesh takes what fits, says so, and more when there is more, without a restart', async (context) => {
    const cleanup = new Cleanup(context)
    const disk = mountSmallDisk(cleanup, 300)
    const up = await startUp(cleanup, { data: disk.folder })
    const carillon = cliFor(cleanup, up.url)
    await eventually('it works', () => runs(carillon), SELDOM)
    const isSaid = async () => {
      const { ok, message } = await streamsOf(carillon)
      return !ok && /streams have room for \d+ instead of 2624 MiB, as much as the broker has/.test(message)
    }
    await eventually('health says so', isSaid, SELDOM)
    const isFound = async () => /✗ coordinator: streams: .*as much as the broker has/.test((await carillon(['doctor'])).stdout)
    await eventually('the doctor finds it', isFound, SELDOM)
    disk.resize(5_000)
    await eventually('all have grown', async () => (await streamsOf(carillon)).ok, SELDOM)
    process.kill(up.pids.nats, 0)
  })

  test('a start with 12 MiB free is no sentence for ever', async (context) => {
    const cleanup = new Cleanup(context)
    const disk = mountSmallDisk(cleanup, 4_000)
    const first = await startUp(cleanup, { data: disk.folder, demo: false })
    first.process.signal('SIGTERM')
    await first.process.exited
    disk.fill(12)
    const up = await startUp(cleanup, { data: disk.folder })
    await up.process.shows(/the disk of .* is almost full: \d+ MiB are free/)
    disk.fill(undefined)
    await eventually('an executor can register, and work', () => runs(cliFor(cleanup, up.url)), SELDOM)
  })

  test('a disk that was full: work goes on when there is room again', async (context) => {
    const cleanup = new Cleanup(context)
    const disk = mountSmallDisk(cleanup, 400)
    const up = await startUp(cleanup, { data: disk.folder })
    const carillon = cliFor(cleanup, up.url)
    await eventually('it works', () => runs(carillon), SELDOM)
    const nats = await connect({ servers: up.url })
    cleanup.add('the connection', () => nats.close())
    disk.fill(0)
    for (const subject of ['work.hello.normal.x', 'report.x', 'trigger.x', 'log.x', 'event.run.x.y'])
      nats.publish(`carillon.default.${subject}`, 'x'.repeat(9_000))
    await up.process.shows(/almost full/)
    disk.fill(undefined)
    await up.process.shows(/nats-server could not write and stores nothing more; it is started again/)
    await eventually('it works again', () => runs(carillon), SELDOM)
  })

  test('a disk on which nothing useful fits: the error says how much is needed', async (context) => {
    const cleanup = new Cleanup(context)
    const disk = mountSmallDisk(cleanup, 30)
    const up = startCli(cleanup, ['up', '--port', '0', '--data', disk.folder])
    const { code } = await up.exited
    assert.equal(code, 1)
    assert.match(up.stderr(), /no room for \d+ MiB of stream/)
    assert.match(up.stderr(), /All streams need 2624 MiB, 41 MiB at least/)
  })
})
