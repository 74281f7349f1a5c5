/** Streams of gateways over a whole mesh: what a console follows, and a log that is followed from one gateway to the other. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Mesh } from '@carillon/sdk'
import { eventually, freePort } from '@carillon/wire/testing'
import { startCli } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'
import { eventsOf, type ServerEvent } from '../support/event-stream.ts'
import { freshNamespace, startMesh, type TestMesh } from '../support/mesh.ts'
import { STORES } from '../support/stores.ts'

const [sqlite] = STORES
/** About 4,000 lines a second. */
const [LINES, A_TURN, TURN_MS] = [12_000, 100, 25]
/** The gateway is killed when so many have come. */
const KILLED_AT = 3_000

describe('streams', () => {
  const cleanup = new Cleanup({ after })
  const namespace = freshNamespace()
  let mesh: TestMesh
  let executor: Mesh
  let signedIn: Record<string, string>

  before(async () => {
    assert.ok(sqlite)
    mesh = await startMesh(cleanup, { store: sqlite, gateways: 1 })
    signedIn = await mesh.accounts.token(namespace)
    executor = await mesh.connect({ namespace })
    executor.handle('flood', async (ctx) => {
      for (let line = 1; line <= LINES; line++) {
        ctx.log.info(`line ${line}`)
        if (line % A_TURN === 0) await pause(TURN_MS)
      }
    })
    executor.handle('add', (ctx) => ({ sum: ctx.payload }))
    await executor.start()
  })

  test('a console follows runs, jobs and executors without reading them', async () => {
    const events: ServerEvent[] = []
    const stop = new AbortController()
    const url = `${mesh.httpUrls[0]}/api/v1/stream?namespace=${namespace}&topics=runs,jobs,instances`
    const reading = (async () => {
      for await (const event of eventsOf(url, signedIn, stop.signal)) events.push(event)
    })().catch(() => undefined)
    await eventually('hello', () => events.length > 0)
    await executor.client.jobs.put({ name: 'sums', handler: 'add', payload: { secret: 1 } })
    const { id } = await executor.client.run('sums', { secret: 2 })
    const of = (topic: string) => events.filter(({ data }) => data.topic === topic).map(({ data }) => data)
    await eventually('its end', () => of('runs').some(({ what }) => what === 'succeeded'))
    const [created] = of('runs')
    const ended = of('runs').at(-1)
    assert.deepEqual([created.name, created.what, created.body.job, created.body.state], [id, 'created', 'sums', 'queued'])
    assert.ok(created.body.createdAt && ended.body.startedAt && ended.body.at, JSON.stringify([created, ended]))
    assert.deepEqual(of('jobs').map(({ name, what }) => [name, what])[0], ['sums', 'put'])
    await eventually('its load', () => of('instances').some(({ what }) => what === 'beat'))
    assert.ok(!JSON.stringify(events).includes('secret'))
    stop.abort()
    await reading
    await assert.rejects(eventsOf(url).next(), /HTTP 401/)
  })

  test('every line of a log is read once, while the gateway that sends it is killed', async () => {
    const port = await freePort()
    const environment = { CARILLON_HTTP_PORT: String(port), CARILLON_NATS_URL: mesh.broker.url, CARILLON_STORE_URL: mesh.storeUrl }
    const killed = startCli(cleanup, ['gateway'], { env: environment })
    await eventually('it answers', () =>
      fetch(`http://127.0.0.1:${port}/api/v1/namespaces/${namespace}/jobs`, { headers: signedIn }).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    const { id } = await executor.client.run('flood')
    const path = `/api/v1/namespaces/${namespace}/runs/${id}/logs?follow=true`
    const seen = new Map<string, string>()
    const order: number[] = []
    let [lastId, repeated, end] = ['', 0, undefined as ServerEvent | undefined]
    const take = (event: ServerEvent) => {
      lastId = event.id ?? lastId
      if (event.event === 'end') end = event
      if (event.event !== 'log') return
      for (const { seq, message } of event.data.lines) {
        const key = `${event.data.taskId} ${event.data.attempt} ${seq}`
        if (seen.has(key)) repeated++
        else order.push(seq)
        seen.set(key, message)
      }
    }
    let isKilled = false
    for (const base of [`http://127.0.0.1:${port}`, mesh.httpUrls[0]]) {
      try {
        for await (const event of eventsOf(base + path, lastId === '' ? signedIn : { ...signedIn, 'last-event-id': lastId })) {
          take(event)
          if (isKilled || seen.size < KILLED_AT) continue
          isKilled = true
          await killed.kill9()
        }
      } catch (error) {
        assert.ok(isKilled && base !== mesh.httpUrls[0], String(error))
      }
    }
    assert.ok(isKilled)
    assert.equal(seen.size, LINES)
    assert.deepEqual(
      order,
      Array.from({ length: LINES }, (_, i) => i + 1),
    )
    assert.equal(seen.get(`${id} 1 ${LINES}`), `line ${LINES}`)
    assert.equal(repeated, 0)
    assert.deepEqual(end?.data, { reason: 'run-ended', state: 'succeeded' })
  })
})
