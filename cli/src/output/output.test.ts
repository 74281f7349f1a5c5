import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CarillonError, type LogView, type RunView } from '@carillon/contracts'
import { gatingText } from '../commands/gating-options.ts'
import { logText } from './log-text.ts'
import { printProblem } from './problem.ts'
import { jsonText, runText } from './run-text.ts'
import { scheduleText } from './schedule-text.ts'
import { printFields } from './table.ts'
import { harmless } from './terminal.ts'
import { keepingTerminal } from './testing-terminal.ts'
import { clockText, exactSpanText, spanText, timeText, tookText } from './time-text.ts'

const NOW = Date.parse('2030-01-01T12:00:00Z')
const run: RunView = {
  runId: '01m7yybeay0000x3p1yp1qmpb2',
  handler: 'hello',
  mode: 'single',
  state: 'succeeded',
  reason: 'completed',
  trigger: 'call',
  attempt: 1,
  attempts: 1,
  createdAt: '2030-01-01T11:59:00.000Z',
  startedAt: '2030-01-01T11:59:00.000Z',
  endedAt: '2030-01-01T11:59:02.500Z',
}

describe('times', () => {
  it('says spans in their largest unit', () => {
    const spans = [0, 999, 1_000, 59_400, 60_000, 7_200_000, 86_400_000 * 60].map(spanText)
    assert.deepEqual(spans, ['0 ms', '999 ms', '1 s', '59 s', '1 min', '2 h', '60 d'])
    assert.deepEqual([12, 2_500, 90_000].map(tookText), ['12 ms', '2.5 s', '2 min'])
  })

  it('says spans that were chosen exactly, so that a setting of 90 s is not shown as 2 min', () => {
    const spans = [0, 1, 1_500, 60_000, 90_000, 5_400_000, 86_400_000 * 60, 90_061_001].map(exactSpanText)
    assert.deepEqual(spans, ['0 ms', '1 ms', '1 s 500 ms', '1 min', '1 min 30 s', '1 h 30 min', '60 d', '1 d 1 h 1 min 1 s 1 ms'])
    assert.equal(
      scheduleText({ everyMs: 5_400_000, jitterMs: 90_000, anchor: '09:00', timezone: 'UTC' }),
      'every 1 h 30 min from 09:00 UTC, up to 1 min 30 s later',
    )
    assert.equal(gatingText({ rate: { count: 5, periodMs: 1_500, by: 'job' } }), '5 in 1 s 500 ms')
  })

  it('says times relative and absolute', () => {
    assert.match(timeText('2030-01-01T12:00:04Z', NOW), /^in 4 s \(\d\d:\d\d:04\)$/)
    assert.match(timeText('2029-12-30T12:00:00Z', NOW), /^2 d ago \(20(29|30)-\d\d-\d\d \d\d:\d\d (UTC|[+-]\d\d:\d\d)\)$/)
    assert.match(clockText('2029-12-30T12:00:00.123Z', NOW), /^20(29|30)-\d\d-\d\d \d\d:\d\d:00\.123 (UTC|[+-]\d\d:\d\d)$/)
    assert.match(clockText(new Date(NOW).toISOString(), NOW), /^\d\d:\d\d:00\.000$/)
    assert.match(timeText('2030-01-01T12:00:00.5Z', NOW), /^now /)
    assert.equal(timeText(undefined, NOW), '')
  })
})

describe('the terminal', () => {
  it('shows colours to a person only, and not with NO_COLOR', () => {
    assert.equal(keepingTerminal({ tty: true }).terminal.paint('bad', 'x'), '\u001b[31mx\u001b[39m')
    assert.equal(keepingTerminal({ tty: true, environment: { NO_COLOR: '1' } }).terminal.paint('bad', 'x'), 'x')
    assert.equal(keepingTerminal().terminal.paint('bad', 'x'), 'x')
  })

  it('shows what could steer it instead of obeying', () => {
    assert.equal(harmless('a\u001b[2Jb\rc\td\ne'), 'a\\u001b[2Jb\\u000dc\td\ne')
  })
})

describe('problems', () => {
  const problem = new CarillonError('INVALID_DELAY', '--delay is wrong: "x"', { field: '--delay', value: '"x"' })

  it('are printed as text on stderr', () => {
    const { terminal, stdout, stderr } = keepingTerminal()
    printProblem(terminal, problem, { stack: false })
    assert.deepEqual(stdout, [])
    assert.deepEqual(stderr.slice(0, 3), ['error INVALID_DELAY: --delay is wrong: "x"\n', '  field: --delay\n', '  value: "x"\n'])
    assert.match(stderr[3] ?? '', /^ {2}hint: /)
  })

  it('quote the value', () => {
    const shown = (value: string) => {
      const { terminal, stderr } = keepingTerminal()
      printProblem(terminal, new CarillonError('NATS_UNAVAILABLE', 'away', { value }), { stack: false })
      return stderr[1]
    }
    assert.equal(shown('nats://127.0.0.1:4222'), '  value: "nats://127.0.0.1:4222"\n')
    assert.equal(shown('2.9.25'), '  value: "2.9.25"\n')
    for (const quoted of ['"x"', '"x'.padEnd(120, 'x').concat('…'), '{"a":1}', '5', 'null'])
      assert.equal(shown(quoted), `  value: ${quoted}\n`)
  })

  it('are one object on stdout for programs', () => {
    const { terminal, stdout, stderr } = keepingTerminal({ json: true })
    printProblem(terminal, problem, { stack: false })
    assert.deepEqual(stderr, [])
    assert.equal(stdout.length, 1)
    const { error } = JSON.parse(stdout[0] ?? '') as { error: { code: string; field: string } }
    assert.deepEqual([error.code, error.field], ['INVALID_DELAY', '--delay'])
  })

  it('have stack and cause only on request', () => {
    const { terminal, stderr } = keepingTerminal()
    printProblem(terminal, new Error('outer', { cause: new Error('inner') }), { stack: true })
    assert.match(stderr.join(''), /at .*output\.test[\s\S]*caused by: Error: inner/)
  })
})

describe('things', () => {
  it('leave out fields without a value', () => {
    const { terminal, stdout } = keepingTerminal()
    printFields(terminal, {}, [
      ['a', '1'],
      ['longer', undefined],
      ['b', ''],
    ])
    assert.deepEqual(stdout, ['a  1\n'])
  })
})

describe('runs and their logs', () => {
  const { terminal } = keepingTerminal()
  const text = (changes: Partial<RunView>) => runText(terminal, { ...run, ...changes }, NOW)

  it('say how they ended', () => {
    assert.equal(text({}), 'succeeded: took 2.5 s')
    assert.equal(text({ attempt: 3, attempts: 5 }), 'succeeded: took 2.5 s, attempt 3 of 5')
    assert.equal(text({ attempt: 3, attempts: 1 }), 'succeeded: took 2.5 s, attempt 3 (tries for failures: 1)')
    const failure = { name: 'TypeError', message: 'no name' }
    assert.equal(text({ state: 'failed', reason: 'handler-error', failure }), 'failed: TypeError: no name, took 2.5 s')
    assert.equal(
      text({ state: 'failed', message: 'the handler threw: no name', failure }),
      'failed: the handler threw: no name, took 2.5 s',
    )
    assert.equal(
      text({ state: 'timed_out', reason: 'attempt-timeout' }),
      'timed out: the attempt took longer than its time limit, took 2.5 s',
    )
  })

  it('count no sleep as a try, and take from their first start to their end', () => {
    const slept = { attempt: 3, attempts: 3, sleeps: 2, firstStartedAt: '2030-01-01T11:58:02.500Z' }
    assert.equal(text(slept), 'succeeded: took 1 min')
    assert.equal(text({ ...slept, attempt: 4, attempts: 5 }), 'succeeded: took 1 min, attempt 2 of 3')
    assert.match(
      text({ ...slept, state: 'delayed', reason: 'sleep', dueAt: new Date(NOW + 5_000).toISOString() }),
      /^delayed: goes on in 5 s/,
    )
  })

  it('say why they wait', () => {
    assert.equal(
      text({ state: 'queued', reason: 'no-instance', message: 'no instance offers handler `x`' }),
      'queued: no instance offers handler `x`',
    )
    const dueAt = new Date(NOW + 300).toISOString()
    assert.equal(
      text({ state: 'delayed', reason: 'retry', message: 'attempt failed', dueAt }),
      'delayed: attempt failed, next try in 300 ms',
    )
    assert.match(text({ state: 'delayed', reason: 'delay', dueAt: new Date(NOW + 5_000).toISOString() }), /^delayed: due in 5 s/)
  })

  it('say where they run', () => assert.equal(text({ state: 'running', instance: 'demo-1' }), 'running: on demo-1'))

  it('show a line with its fields', () => {
    const line: LogView = {
      runId: run.runId,
      taskId: run.runId,
      attempt: 1,
      instance: 'demo-1',
      seq: 1,
      at: '2030-01-01T11:59:00.123Z',
      level: 'info',
      message: 'sending\u0007',
      fields: { to: 'ada', count: 2 },
    }
    assert.match(logText(terminal, line, NOW), /^\d\d:\d\d:00\.123 INFO {2}sending\\u0007 to=ada count=2$/)
    assert.match(logText(terminal, { ...line, taskId: `${run.runId}-7` }, NOW), /INFO {2}\[7\] sending/)
  })

  it('print a result on one line, for a person indented', () => {
    assert.equal(jsonText(terminal, { a: 1 }), '{"a":1}')
    assert.equal(jsonText(terminal, undefined), 'null')
    assert.equal(jsonText(keepingTerminal({ tty: true }).terminal, { a: 1 }), '{\n  "a": 1\n}')
  })
})
