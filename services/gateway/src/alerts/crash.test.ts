import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@carillon/runtime/testing'
import { startGateway } from '../start-gateway.ts'
import { SETTINGS } from './testing/gateway-settings.ts'
import { endLeases, startTestGateways } from './testing/test-gateways.ts'

const MAIN = fileURLToPath(new URL('./testing/gateway-main.js', import.meta.url))

/** A gateway in a process of its own. @returns what kills it */
async function startProcess(...args: string[]): Promise<() => Promise<void>> {
  const gateway = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(gateway.stdout, 'data')
  return async () => {
    if (gateway.exitCode !== null || gateway.signalCode !== null) return
    gateway.kill('SIGKILL')
    await once(gateway, 'exit')
  }
}

function freshStore(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-alerts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return `sqlite:${join(folder, 'store.db')}`
}

test('a gateway that is killed between sending and recording: another one sends again, under the same id', async (t) => {
  const storeUrl = freshStore(t)
  const gateways = await startTestGateways(t, 0, { storeUrl })
  const { broker, receiver, store } = gateways
  const kill = await startProcess(broker.server.url, storeUrl)
  broker.after(kill)
  await gateways.watch({ scene: 'run-failed' })
  receiver.isSilent = true
  await gateways.end('failed')
  await eventually('it was sent', () => receiver.received.length === 1)
  await kill()
  receiver.isSilent = false
  await endLeases(store)
  const other = await startGateway({ nats: { servers: broker.server.url }, log: broker.log, store, ...SETTINGS })
  broker.after(() => other.stop())
  await eventually('it was sent again', () => receiver.received.length === 2)
  const [first, again] = receiver.received
  assert.equal(again?.headers['webhook-id'], first?.headers['webhook-id'])
  const incident = await eventually('it is recorded', async () => {
    const [open] = (await gateways.call('incidentsList', {})).items
    const found = await gateways.call('incidentsGet', { id: open?.id ?? '' })
    return found.deliveries?.[0]?.state === 'sent' ? found : undefined
  })
  assert.deepEqual([incident.count, incident.deliveries?.map(({ tries }) => tries)], [1, [2]])
})

test('two gateways, of which one after another is killed while they count, announce and send: nothing is lost, and each message has one id', async (t) => {
  const storeUrl = freshStore(t)
  const gateways = await startTestGateways(t, 0, { storeUrl })
  const { broker, store } = gateways
  const args = [broker.server.url, storeUrl]
  const running = [await startProcess(...args), await startProcess(...args)]
  broker.after(async () => void (await Promise.all(running.map((kill) => kill()))))
  await gateways.watch({ scene: 'run-failed' })
  const JOBS = 40
  await gateways.jobs(Array.from({ length: JOBS }, (_, n) => `job-${n}`))
  for (let n = 0; n < JOBS; n++) {
    gateways.announce(1_000 + n, 'failed', `job-${n}`)
    if (n % 10 !== 9) continue
    // At another moment each time: when so many messages have come.
    await eventually('some have come', () => gateways.receiver.received.length >= n - 9)
    await running[0]?.()
    running.shift()
    await endLeases(store)
    running.push(await startProcess(...args))
  }
  const complete = async () => {
    await endLeases(store)
    return gateways.byId().size === JOBS
  }
  await eventually('all have come', complete, { withinMs: 90_000, everyMs: 500 })
  const messages = [...gateways.byId().values()]
  assert.deepEqual(new Set(messages.map(([first]) => first?.summary)).size, JOBS)
  for (const [first, ...again] of messages) for (const one of again) assert.deepEqual(one, first, 'what is repeated is the same message')
  assert.deepEqual(new Set(messages.flat().map(({ count }) => count)), new Set([1]), 'nothing is counted twice')
})
