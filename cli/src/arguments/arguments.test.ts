import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CarillonError, type ErrorCode, LIMITS } from '@carillon/contracts'
import { now } from '../clock.ts'
import { parseBackoff, parseShare, withJitter } from './backoff.ts'
import { parseDuration } from './duration.ts'
import { readPayload } from './payload.ts'
import { parseChoice, parseTime, parseWhole } from './scalars.ts'
import { parseSince } from './since.ts'

const isCoded = (code: ErrorCode, field: string) => (error: unknown) =>
  CarillonError.is(error) && error.code === code && error.details.field === field && error.details.hint !== undefined

describe('durations', () => {
  for (const [text, ms] of [
    ['0', 0],
    ['250', 250],
    ['500ms', 500],
    ['5s', 5_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['60d', 5_184_000_000],
    [' 5s ', 5_000],
  ] as const) {
    it(`${text} is ${ms} ms`, () => assert.equal(parseDuration('--delay', text), ms))
  }

  for (const text of ['', 'x', 'NaN', 'Infinity', '-5', '-5s', '5 s', '5w', '0.5ms', '1e3', '4000d', '9'.repeat(30), '5s5']) {
    it(`refuses ${JSON.stringify(text)} and names the option`, () => {
      assert.throws(() => parseDuration('--delay', text), isCoded('INVALID_DELAY', '--delay'))
    })
  }
})

describe('since', () => {
  it('is so long ago, or a time', () => {
    const since = Date.parse(parseSince('--since', '2h'))
    const agoMs = now() - since
    assert.ok(agoMs >= 7_200_000 && agoMs < 7_260_000, `${agoMs}`)
    assert.equal(parseSince('--since', '2030-01-31T09:00:00+01:00'), '2030-01-31T09:00:00+01:00')
  })

  for (const text of ['', '-1h', '2w', 'yesterday', '2030-01-31', '2030-02-31T09:00:00Z'])
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseSince('--since', text), isCoded('INVALID_DATE', '--since')))
})

describe('backoffs', () => {
  it('is fixed', () => assert.deepEqual(parseBackoff('--backoff', 'fixed:1s'), { type: 'fixed', delayMs: 1_000 }))

  it('is exponential, with factor and longest wait if wanted', () => {
    assert.deepEqual(parseBackoff('--backoff', 'exponential:1s'), { type: 'exponential', delayMs: 1_000, factor: 2, maxMs: 300_000 })
    const given = parseBackoff('--backoff', 'exponential:100ms:1.5:10m')
    assert.deepEqual(given, { type: 'exponential', delayMs: 100, factor: 1.5, maxMs: 600_000 })
  })

  it('never waits less than at first', () => {
    assert.deepEqual(parseBackoff('--backoff', 'exponential:1h'), { type: 'exponential', delayMs: 3_600_000, factor: 2, maxMs: 3_600_000 })
  })

  it('is a list, random, or the times of a cron expression', () => {
    assert.deepEqual(parseBackoff('--backoff', 'list:1s,5s,1m'), { type: 'list', delaysMs: [1_000, 5_000, 60_000] })
    assert.deepEqual(parseBackoff('--backoff', 'random:1s:10s'), { type: 'random', minMs: 1_000, maxMs: 10_000 })
    assert.deepEqual(parseBackoff('--backoff', 'cron:0 * * * *'), { type: 'cron', cron: '0 * * * *', timezone: 'UTC' })
    const nine = parseBackoff('--backoff', 'cron:0 9 * * *:Europe/Paris')
    assert.deepEqual(nine, { type: 'cron', cron: '0 9 * * *', timezone: 'Europe/Paris' })
  })

  it('has a jitter where it has waits', () => {
    assert.deepEqual(
      ['20%', '0.2', '0', '100%', ' 7.5% '].map((text) => parseShare('--backoff-jitter', text)),
      [0.2, 0.2, 0, 1, 0.075],
    )
    for (const text of ['', '2', '101%', '-1%', 'some', '1s'])
      assert.throws(() => parseShare('--backoff-jitter', text), isCoded('INVALID_REQUEST', '--backoff-jitter'))
    const option = '--backoff-jitter'
    assert.deepEqual(withJitter({ type: 'fixed', delayMs: 1 }, { option, jitter: 0.2 }), { type: 'fixed', delayMs: 1, jitter: 0.2 })
    assert.equal(withJitter(undefined, { option, jitter: undefined }), undefined)
    for (const backoff of [undefined, parseBackoff('--backoff', 'random:1s:2s'), parseBackoff('--backoff', 'cron:@daily')])
      assert.throws(() => withJitter(backoff, { option, jitter: 0.2 }), isCoded('INVALID_REQUEST', option))
  })

  for (const text of [
    'list:',
    'list',
    'list:1s:2s',
    'random:1s',
    'random:1s:2s:3s',
    'cron:',
    'cron:* * * * *:UTC:x',
    '',
    'fixed',
    'fixed:1s:2',
    'linear:1s',
    'exponential:1s:0',
    'exponential:1s:x',
    'exponential:1s::5m',
    'exponential:1s:2:5m:6',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseBackoff('--backoff', text), isCoded('INVALID_REQUEST', '--backoff'))
    })
  }

  it('refuses a wrong duration in it', () => {
    for (const text of ['fixed:soon', 'list:1s,,2s', 'list:1s,soon', 'random:1s:soon'])
      assert.throws(() => parseBackoff('--backoff', text), isCoded('INVALID_DELAY', '--backoff'))
  })
})

describe('numbers, words and times', () => {
  it('takes whole numbers within bounds', () => {
    assert.equal(parseWhole('--limit', '10', { min: 1, max: 10 }), 10)
    for (const text of ['0', '11', '1.5', '-1', '', 'x', '0x5']) {
      assert.throws(() => parseWhole('--limit', text, { min: 1, max: 10 }), isCoded('INVALID_REQUEST', '--limit'))
    }
  })

  it('takes one of the words and says which there are', () => {
    assert.equal(parseChoice('--mode', 'single', ['single', 'broadcast']), 'single')
    const says = (error: unknown) => CarillonError.is(error) && error.details.hint === 'Use single or broadcast.'
    assert.throws(() => parseChoice('--mode', 'both', ['single', 'broadcast']), says)
  })

  it('takes existing dates with a zone', () => {
    assert.equal(parseTime('--at', '2030-01-31T09:00:00+01:00'), '2030-01-31T09:00:00+01:00')
    assert.equal(parseTime('--at', '2030-01-31T09:00Z'), '2030-01-31T09:00:00Z')
    assert.equal(parseTime('--at', '2030-01-31T09:00-02:30'), '2030-01-31T09:00:00-02:30')
    for (const text of ['2030-02-31T00:00:00Z', '2030-01-31T09:00:00', 'tomorrow']) {
      assert.throws(() => parseTime('--at', text), isCoded('INVALID_DATE', '--at'))
    }
  })
})

describe('payloads', () => {
  const sources = (text: string | Uint8Array) => {
    const one = async function* () {
      yield Buffer.from(text)
    }
    return { stdin: one(), file: () => one() }
  }

  it('comes from the command line, a file or standard input', async () => {
    assert.deepEqual(await readPayload('{"name":"Ada"}'), { name: 'Ada' })
    assert.deepEqual(await readPayload('@some.json', { sources: sources('[1]') }), [1])
    assert.deepEqual(await readPayload('-', { sources: sources('"é"') }), 'é')
  })

  it('is JSON that can be kept', async () => {
    await assert.rejects(readPayload('{name:1}'), isCoded('INVALID_JSON', 'payload'))
    await assert.rejects(readPayload('['.repeat(10_000)), isCoded('JSON_TOO_DEEP', 'payload'))
    await assert.rejects(readPayload('[9007199254740993]'), isCoded('INTEGER_TOO_LARGE', 'payload'))
    await assert.rejects(readPayload('-', { sources: sources(Uint8Array.of(0x22, 0xff, 0x22)) }), isCoded('INVALID_JSON', 'payload'))
  })

  it('has a limit, as a value and as a text', async () => {
    await assert.rejects(readPayload(JSON.stringify('x'.repeat(LIMITS.payloadBytes))), isCoded('PAYLOAD_TOO_LARGE', 'payload'))
    const endless = async function* () {
      for (;;) yield Buffer.alloc(1_000_000, ' ')
    }
    await assert.rejects(readPayload('-', { sources: { stdin: endless(), file: endless } }), isCoded('PAYLOAD_TOO_LARGE', 'payload'))
  })

  it('names the file that cannot be read', async () => {
    await assert.rejects(readPayload('@/nowhere/at/all.json'), (error: unknown) => {
      return CarillonError.is(error) && error.code === 'INVALID_REQUEST' && error.details.value === '"/nowhere/at/all.json"'
    })
  })
})
