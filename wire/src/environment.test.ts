import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkNatsSettings } from './check-settings.ts'
import { NATS_VARIABLES, natsSettingsFrom } from './environment.ts'

const settingsOf = (environment: Record<string, string>) => {
  const { settingNames, ...settings } = natsSettingsFrom(environment)
  assert.equal(settingNames?.servers, 'CARILLON_NATS_URL')
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

test('without variables nothing is set, and an empty one is none', () => {
  assert.deepEqual(settingsOf({}), {})
  assert.deepEqual(settingsOf(Object.fromEntries(Object.keys(NATS_VARIABLES).map((name) => [name, '']))), {})
})

test('each variable becomes its field', () => {
  assert.deepEqual(settingsOf({ CARILLON_NATS_URL: 'nats://h', CARILLON_NATS_USER: 'ada', CARILLON_NATS_PASSWORD_FILE: '/p' }), {
    ...{ servers: 'nats://h', user: 'ada', passwordFile: '/p' },
  })
  assert.deepEqual(settingsOf({ CARILLON_NATS_CREDS: '/c', CARILLON_NATS_TLS: 'true' }), { credentials: '/c', tls: true })
  assert.deepEqual(settingsOf({ CARILLON_NATS_CA: '/ca', CARILLON_NATS_TLS_FIRST: '1' })['tls'], {
    ...{ ca: '/ca', cert: undefined, key: undefined, handshakeFirst: true },
  })
})

test('the address may come from a file, and what is wrong names the variable', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-env-'))
  context.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'url'), 'nats://ada:geheim@h\n')
  const file = join(folder, 'url')
  assert.deepEqual(settingsOf({ CARILLON_NATS_URL_FILE: file }), { servers: 'nats://ada:geheim@h' })
  const wrong: [Record<string, string>, string][] = [
    [{ CARILLON_NATS_URL_FILE: join(folder, 'none') }, 'CARILLON_NATS_URL_FILE'],
    [{ CARILLON_NATS_URL_FILE: file, CARILLON_NATS_URL: 'nats://h' }, 'CARILLON_NATS_URL_FILE'],
    [{ CARILLON_NATS_TLS_FIRST: 'perhaps' }, 'CARILLON_NATS_TLS_FIRST'],
    [{ CARILLON_NATS_URL: 'http://h' }, 'CARILLON_NATS_URL'],
    [{ CARILLON_NATS_USER: 'ada' }, 'CARILLON_NATS_USER'],
    [{ CARILLON_NATS_KEY: '/k' }, 'CARILLON_NATS_KEY'],
  ]
  for (const [environment, field] of wrong)
    assert.throws(
      () => checkNatsSettings(natsSettingsFrom(environment)),
      (error: { code: string; details: { field: string } }) => error.code === 'INVALID_CONFIG' && error.details.field === field,
      JSON.stringify(environment),
    )
})
