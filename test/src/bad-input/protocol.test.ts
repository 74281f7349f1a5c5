import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually, REQUEST_DEADLINE } from '@carillon/wire/testing'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { Cleanup } from '../support/cleanup.ts'
import { freshNamespace, startMesh } from '../support/mesh.ts'
import { sqlite } from '../support/stores.ts'

describe('what a program that speaks the protocol by itself gets wrong', () => {
  const cleanup = new Cleanup({ after })
  const namespace = freshNamespace()
  let nats: NatsConnection
  before(async () => {
    nats = await (await startMesh(cleanup, { store: sqlite })).nats()
  })

  const headersOf = (given: Readonly<Record<string, string>>) => {
    const made = headers()
    for (const [name, value] of Object.entries(given)) made.set(name, value)
    return made
  }
  const call = async (path: string, body: unknown, given: Readonly<Record<string, string>> = {}) => {
    const options = { ...REQUEST_DEADLINE, headers: headersOf(given) }
    return (await nats.request(`carillon.${namespace}.api.${path}`, JSON.stringify(body), options)).json<{
      error?: { code: string; field: string; value: string; retry: boolean; hint: string }
      runId?: string
      protocol?: number
    }>()
  }

  test('a trigger with a mistyped header is rejected, and the others of its batch are fired', async () => {
    const rejected: { code: string; message: string }[] = []
    nats.subscribe(`carillon.${namespace}.event.message.TRIGGERS.rejected`, {
      callback: (_e, message) => void rejected.push(message.json()),
    })
    for (const given of [{ 'Carillon-Ky': 'a' }, { 'Carillon-Key': 'b' }, { 'carillon-key': 'c' }])
      await nats.request(`carillon.${namespace}.trigger.report`, '{}', { ...REQUEST_DEADLINE, headers: headersOf(given) })
    await eventually('both are rejected', () => rejected.length === 2)
    assert.deepEqual(rejected.map(({ code, message }) => [code, /"[^"]+"/.exec(message)?.[0]]).sort(), [
      ['INVALID_HEADER', '"Carillon-Ky"'],
      ['INVALID_HEADER', '"carillon-key"'],
    ])
    const fired = await eventually('the third is fired', async () => {
      const { items } = (await call('runs.list', {})) as unknown as { items: { key: string }[] }
      return items.length > 0 ? items : undefined
    })
    assert.deepEqual(
      fired.map(({ key }) => key),
      ['b'],
    )
  })

  test('a call with a header that belongs to triggers is refused: its key would be ignored', async () => {
    const { error } = await call('jobs.run', { handler: 'echo' }, { 'Carillon-Key': 'k' })
    assert.deepEqual([error?.code, error?.field, error?.value, error?.retry], ['INVALID_HEADER', 'headers', '"Carillon-Key"', false])
    assert.ok((await call('jobs.run', { handler: 'echo' }, { traceparent: 'x', 'X-Mine': 'y' })).runId)
  })

  test('a call that does not exist has no responders', async () => {
    for (const path of ['jobs.start', 'nothing.get']) await assert.rejects(call(path, {}), /no responders/i, path)
  })

  test('a registration says what it knows only, in the version that the mesh speaks', async () => {
    const given = { instance: 'a', service: 'b', handlers: [] }
    assert.equal((await call('instances.register', given)).protocol, 1)
    assert.equal((await call('instances.register', { ...given, protocol: 1 })).protocol, 1)
    const { error: unknown } = await call('instances.register', { ...given, colour: 1 })
    assert.deepEqual([unknown?.code, unknown?.field], ['INVALID_REQUEST', 'colour'])
    const { error } = await call('instances.register', { ...given, protocol: 2 })
    assert.deepEqual([error?.code, error?.field, error?.value, error?.retry], ['PROTOCOL_MISMATCH', 'protocol', '2', false])
    assert.match(error?.hint ?? '', /speaks protocol 1/)
  })

  test('the services protocol shows the version, and the schemas of every call, in one message', async () => {
    for (const service of ['coordinator', 'registry', 'logger']) {
      const answer = await nats.request(`$SRV.INFO.carillon-${service}`, '', REQUEST_DEADLINE)
      const info = answer.json<{ metadata: object; endpoints: { name: string; metadata: Record<string, string> }[] }>()
      assert.deepEqual(info.metadata, { protocol: '1' })
      for (const { name, metadata } of info.endpoints)
        for (const key of ['request_schema', 'response_schema'])
          assert.match(JSON.parse(metadata[key] ?? '{}').$schema, /2020-12/, `${name} ${key}`)
      assert.ok(answer.data.length < 512 * 1024, `${service}: ${answer.data.length} bytes, a message may have 1 MiB`)
    }
  })
})
