import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { checkServers, withoutPassword } from './servers.ts'

test('addresses are taken one by one, with and without a scheme', () => {
  assert.deepEqual(checkServers(undefined), ['nats://127.0.0.1:4222'])
  assert.deepEqual(checkServers('nats://a:4222, tls://user:word@b.example:4443/'), ['nats://a:4222', 'tls://user:word@b.example:4443/'])
  assert.deepEqual(checkServers(['localhost', '[::1]:4222', 'my_host:1']), ['localhost', '[::1]:4222', 'my_host:1'])
})

test('what is no address of a broker is refused before anything is dialled', () => {
  const wrong: unknown[] = [
    'http://foo',
    'ws://foo',
    'nats://',
    '',
    'a b',
    'nats://a,,nats://b',
    'nats://a:99999',
    'nats://a/b',
    [],
    [5],
    5,
    null,
  ]
  for (const servers of wrong) {
    assert.throws(
      () => checkServers(servers as string),
      (error) => CarillonError.is(error) && error.code === 'INVALID_REQUEST' && error.details.field === 'servers',
      String(servers),
    )
  }
  assert.throws(() => checkServers('nats://a, http://foo'), { message: 'servers is wrong: " http://foo"' })
})

test('a password is in no text', () => {
  assert.equal(withoutPassword('nats://ada:secret@broker:4222'), 'nats://broker:4222')
  assert.equal(withoutPassword('token@broker'), 'broker')
  assert.equal(withoutPassword('nats://broker:4222'), 'nats://broker:4222')
  assert.throws(
    () => checkServers('http://ada:secret@broker'),
    (error: Error) => !error.message.includes('secret'),
  )
})
