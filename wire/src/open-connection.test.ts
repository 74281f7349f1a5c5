import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import type { NatsConnection } from '@nats-io/transport-node'
import { checkNatsSettings } from './check-settings.ts'
import { systemClock } from './clock.ts'
import { natsSettingsFrom } from './environment.ts'
import { openConnection } from './open-connection.ts'
import type { NatsSettings } from './settings.ts'
import { PROTECTIONS, type Protection, startNatsServer, startProtectedServer } from './testing/index.ts'

async function open(context: TestContext, settings: NatsSettings): Promise<NatsConnection> {
  const connection = await openConnection({ access: checkNatsSettings(settings), name: 'test', clock: systemClock })
  context.after(() => connection.close())
  return connection
}

async function refusal(settings: NatsSettings): Promise<CarillonError> {
  try {
    const connection = await openConnection({ access: checkNatsSettings(settings), name: 'test', clock: systemClock })
    await connection.close()
  } catch (error) {
    assert.ok(CarillonError.is(error), String(error))
    return error
  }
  return assert.fail('let in')
}

// A server that misses the certificate of a client ends the connection without a word of NATS; the hint says so.
const codes: Partial<Record<Protection, string>> = { tls: 'TLS_FAILED', 'mutual-tls': 'NATS_UNAVAILABLE', 'tls-first': 'TLS_FAILED' }

for (const protection of PROTECTIONS)
  test(`${protection}: a right login is accepted, any other is refused with the reason, without the secret`, async (context) => {
    const { server, right, wrong, environment, secrets, stop } = await startProtectedServer(protection)
    context.after(stop)
    for (const settings of [...right, natsSettingsFrom(environment)]) {
      const connection = await open(context, settings)
      await connection.flush()
    }
    for (const settings of wrong) {
      const error = await refusal(settings)
      assert.equal(error.code, codes[protection] ?? 'AUTH_FAILED', error.message)
      const text = JSON.stringify([error.message, error.toBody()])
      assert.ok(error.message.includes(server.url.replace('nats://', '')), text)
      for (const secret of secrets) assert.ok(!text.includes(secret), text)
    }
  })

test('the refusal says what was tried', async (context) => {
  const { server, stop } = await startProtectedServer('password')
  context.after(stop)
  const cases: [NatsSettings, RegExp][] = [
    [{ user: 'ada', password: 'x' }, /refuses user "ada" with a password from user/],
    [{ servers: server.url.replace('nats://', 'nats://ada:x@') }, /refuses user "ada" with a password from servers/],
    [{ token: 'x' }, /refuses a token from token/],
    [{}, /refuses no credentials/],
  ]
  for (const [settings, message] of cases) assert.match((await refusal({ servers: server.url, ...settings })).message, message)
})

test('a server without TLS is refused where it is wanted', async (context) => {
  const server = await startNatsServer({ jetStream: false })
  context.after(() => server.stop())
  for (const settings of [{ tls: true }, { servers: server.url.replace('nats:', 'tls:') }, { tls: { handshakeFirst: true } }])
    assert.equal((await refusal({ servers: server.url, ...settings })).code, 'TLS_FAILED', JSON.stringify(settings))
})

test('a key of another certificate, a certificate that the server does not trust, and TLS that came too late are distinguished', async (context) => {
  const mutual = await startProtectedServer('mutual-tls')
  context.after(mutual.stop)
  const [{ tls }] = mutual.right as [{ tls: { ca: string; cert: string; key: string } }]
  const other = await startProtectedServer('mutual-tls')
  context.after(other.stop)
  const [{ tls: strange }] = other.right as [{ tls: { cert: string; key: string } }]
  const servers = mutual.server.url
  const mixed = await refusal({ servers, tls: { ...tls, key: strange.key } })
  assert.deepEqual([mixed.code, mixed.details.hint], ['TLS_FAILED', 'The key does not belong to the certificate: tls.cert and tls.key.'])
  const untrusted = await refusal({ servers, tls: { ca: tls.ca, cert: strange.cert, key: strange.key } })
  assert.match(untrusted.details.hint ?? '', /verifies its clients may not trust this certificate \(tls\.cert\)/)
  const first = await startProtectedServer('tls-first')
  context.after(first.stop)
  const [right] = first.right as [{ tls: { ca: string } }]
  const late = await refusal({ servers: first.server.url, tls: { ca: right.tls.ca } })
  assert.match(late.details.hint ?? '', /handshake_first waits for TLS \(tls\.handshakeFirst\)/)
})

test('several servers: one that answers is enough', async (context) => {
  const { server, stop } = await startProtectedServer('token')
  context.after(stop)
  const connection = await open(context, { servers: `nats://127.0.0.1:1,${server.url.replace('nats://', 'nats://geheim-1@')}` })
  await connection.flush()
})

test('a replaced file counts from the next connection on; one that cannot be used is passed over', async (context) => {
  const { server, right, stop } = await startProtectedServer('token')
  context.after(stop)
  const settings = right[1] as NatsSettings & { tokenFile: string }
  const connection = await open(context, settings)
  const reconnected = async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') return
  }
  const again = reconnected()
  writeFileSync(settings.tokenFile, 'geheim-2')
  await server.kill()
  await server.restart()
  const refused = async () => {
    for await (const { type } of connection.status()) if (type === 'error') return
  }
  await refused()
  writeFileSync(settings.tokenFile, 'geheim-1')
  await again
  await connection.flush()
})
