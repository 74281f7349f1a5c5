import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { maskAddresses } from './address.ts'
import { checkNatsSettings } from './check-settings.ts'
import type { NatsSettings } from './settings.ts'

const SEED = `SU${'A'.repeat(56)}`
const serversOf = (servers?: string | string[]) => checkNatsSettings({ servers }).servers
const loginOf = (settings: NatsSettings) => checkNatsSettings(settings).login

function refusal(settings: unknown): CarillonError {
  try {
    checkNatsSettings(settings as NatsSettings)
  } catch (error) {
    assert.ok(CarillonError.is(error), String(error))
    return error
  }
  return assert.fail(`taken: ${JSON.stringify(settings)}`)
}

test('addresses are taken one by one, with and without a scheme, and without their credentials', () => {
  assert.deepEqual(serversOf(), ['nats://127.0.0.1:4222'])
  assert.deepEqual(serversOf('nats://a:4222, tls://user:word@b.example:4443/'), ['nats://a:4222', 'tls://b.example:4443'])
  assert.deepEqual(serversOf(['localhost', '[::1]:4222', 'my_host:1']), ['localhost', '[::1]:4222', 'my_host:1'])
})

test('what is no address of a broker is refused', () => {
  const wrong = ['http://foo', 'ws://foo', 'nats://', '', 'a b', 'nats://a,,nats://b', 'nats://a:99999', 'nats://a/b', [], [5], 5, null]
  for (const servers of wrong) {
    const { code, details } = refusal({ servers })
    assert.deepEqual([code, details.field], ['INVALID_REQUEST', 'servers'], String(servers))
  }
  assert.equal(refusal({ servers: 'nats://a, http://foo' }).message, 'servers is wrong: " http://foo"')
})

test('credentials of the address: user and password, or a token; percent-encoded or not', () => {
  const password = (user: string, value: string) => ({ kind: 'password', user, password: { value }, from: 'servers' })
  assert.deepEqual(loginOf({ servers: 'nats://ada:geheim@host:4222' }), password('ada', 'geheim'))
  assert.deepEqual(loginOf({ servers: 'nats://a%40da:ge%2Fh%3Aeim@host' }), password('a@da', 'ge/h:eim'))
  assert.deepEqual(loginOf({ servers: 'nats://ada:ge@he/im%@host' }), password('ada', 'ge@he/im%'))
  assert.deepEqual(loginOf({ servers: 'nats://ada:@host' }), password('ada', ''))
  assert.deepEqual(loginOf({ servers: 'ada:geheim@host' }), password('ada', 'geheim'))
  assert.deepEqual(loginOf({ servers: 'nats://geheim@host' }), { kind: 'token', token: { value: 'geheim' }, from: 'servers' })
  assert.deepEqual(loginOf({ servers: 'nats://a:b@h1,nats://h2,nats://a:b@h3' }), password('a', 'b'))
  assert.deepEqual(loginOf({}), { kind: 'none' })
})

test('what is set beside the address wins over what is in it', () => {
  assert.deepEqual(loginOf({ servers: 'nats://a:b@h', token: 'x' }), { kind: 'token', token: { value: 'x' }, from: 'token' })
  assert.deepEqual(loginOf({ servers: 'nats://a:b@h', credentials: '/x.creds' }), {
    kind: 'credentials',
    credentials: { file: '/x.creds' },
  })
  assert.deepEqual(loginOf({ credentials: '-----BEGIN NATS USER JWT-----\n' }), {
    kind: 'credentials',
    credentials: { value: '-----BEGIN NATS USER JWT-----\n' },
  })
})

test('tls:// and tls: true want encryption, whatever the server offers', () => {
  assert.deepEqual(checkNatsSettings({ servers: 'tls://h' }).tls, {})
  assert.deepEqual(checkNatsSettings({ tls: true }).tls, {})
  assert.equal(checkNatsSettings({ servers: 'nats://h' }).tls, undefined)
})

test('what contradicts itself or is half is refused: the field is named, the secret is not', () => {
  const cases: [unknown, string][] = [
    [{ user: 'ada' }, 'user'],
    [{ password: 'geheim' }, 'password'],
    [{ user: 'ada', password: 'geheim', passwordFile: '/x' }, 'passwordFile'],
    [{ token: 'geheim', tokenFile: '/x' }, 'tokenFile'],
    [{ token: 'geheim', user: 'ada', password: 'geheim' }, 'token'],
    [{ token: 'geheim', nkey: SEED }, 'nkey'],
    [{ credentials: '/x.creds', nkeyFile: '/x' }, 'nkey'],
    [{ nkey: 'SUgeheim' }, 'nkey'],
    [{ token: '' }, 'token'],
    [{ token: 5 }, 'token'],
    [{ servers: 'nats://a:geheim@h1,nats://c:geheim@h2' }, 'servers'],
    [{ servers: 'nats://ada:ge,heim@h' }, 'servers'],
    [{ servers: 'http://ada:geheim@broker' }, 'servers'],
    [{ tls: { cert: '/c.pem' } }, 'cert'],
    [{ tls: { key: '/k.pem' } }, 'key'],
    [{ tls: { ca: 5 } }, 'ca'],
    [{ tls: 'yes' }, 'tls'],
    [{ tls: { handshakeFirst: 'yes' } }, 'handshakeFirst'],
    [{ servers: 'tls://h', tls: false }, 'tls'],
  ]
  for (const [settings, field] of cases) {
    const error = refusal(settings)
    assert.deepEqual([error.code, error.details.field], ['INVALID_REQUEST', field], JSON.stringify(settings))
    assert.doesNotMatch(JSON.stringify([error.message, error.toBody()]), /geheim|ge,|heim@/)
  }
})

test('a field is called as the place calls it that gave it', () => {
  const { code, details } = refusal({ user: 'ada', settingNames: { user: 'CARILLON_NATS_USER', password: 'CARILLON_NATS_PASSWORD' } })
  assert.deepEqual([code, details.field], ['INVALID_CONFIG', 'CARILLON_NATS_USER'])
  assert.match(details.hint ?? '', /CARILLON_NATS_PASSWORD/)
})

test('no password or token of an address is printed', () => {
  const cases = [
    ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4222'],
    ['nats://ada:secret@host:4222', 'nats://ada:***@host:4222'],
    ['nats://ada:se@cret@host', 'nats://ada:***@host'],
    ['nats://ada:se/cret@host', 'nats://ada:***@host'],
    ['nats://secret@host', 'nats://***@host'],
    ['secret@host', '***@host'],
    ['nats://a:secret@h1,nats://b:secret@h2', 'nats://a:***@h1,nats://b:***@h2'],
    ['nats://a:se,cret@h1', 'nats://a:***@h1'],
    ['http://ada:secret@h1', 'http://ada:***@h1'],
  ] as const
  for (const [url, shown] of cases) assert.equal(maskAddresses(url), shown)
})
