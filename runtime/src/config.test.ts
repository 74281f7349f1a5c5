import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { readConfig, SETTINGS } from './config.ts'
import { withoutPassword } from './logger.ts'

const WRONG: Partial<Record<keyof typeof SETTINGS, readonly string[]>> = {
  CARILLON_NATS_URL: [''],
  CARILLON_STORE_URL: [''],
  CARILLON_LOG_LEVEL: ['', 'loud', 'INFO'],
  CARILLON_STREAM_REPLICAS: ['', '0', '6', '1.5', 'three', 'NaN', 'Infinity'],
  CARILLON_LOG_RETENTION_DAYS: ['', '0', '-1', '4000', 'a week'],
  CARILLON_LOG_LINES_PER_RUN: ['', '99', '1e9', '150.5'],
}

test('without variables the defaults hold, frozen', () => {
  const config = readConfig({})
  assert.equal(config.CARILLON_NATS_URL, 'nats://127.0.0.1:4222')
  assert.ok(Object.isFrozen(config))
  for (const schema of Object.values(SETTINGS)) assert.ok(schema.description)
})

test('numbers are read from text, foreign variables are left alone', () => {
  const config = readConfig({ CARILLON_STREAM_REPLICAS: '3', CARILLON_LOG_RETENTION_DAYS: '0.5', CARILLON_OTHER: 'x', PATH: '/' })
  assert.equal(config.CARILLON_STREAM_REPLICAS, 3)
  assert.equal(config.CARILLON_LOG_RETENTION_DAYS, 0.5)
  assert.equal(Object.hasOwn(config, 'CARILLON_OTHER'), false)
})

test('each wrong variable is named, with its value and what is right', () => {
  for (const [name, values] of Object.entries(WRONG))
    for (const value of values)
      assert.throws(
        () => readConfig({ [name]: value }),
        (error: CarillonError) => {
          assert.deepEqual([error.code, error.details.field, error.details.value], ['INVALID_CONFIG', name, JSON.stringify(value)])
          return Boolean(error.details.hint)
        },
        `${name}=${value}`,
      )
})

test('no password or token of an address is printed', () => {
  const cases = [
    ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4222'],
    ['nats://ada:secret@host:4222', 'nats://ada:***@host:4222'],
    ['nats://ada:se@cret@host', 'nats://ada:***@host'],
    ['nats://secret@host', 'nats://***@host'],
    ['nats://a:secret@h1,nats://b:secret@h2', 'nats://a:***@h1,nats://b:***@h2'],
    ['mongodb://ada:secret@h1,h2/db', 'mongodb://ada:***@h1,h2/db'],
  ]
  for (const [url, shown] of cases) assert.equal(withoutPassword(url as string), shown)
})
