import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Schedule } from '@carillon/contracts'
import cronstrue from 'cronstrue/i18n.js'
import { kindOfSchedule, withField, withKind, zoneChoices } from './draft.ts'
import { durationText, typedDuration } from './durations.ts'
import { monthsOf } from './month.ts'
import { cronWords, scheduleWords } from './words.ts'

const TEXTS = {
  every: (duration: string) => `every ${duration}`,
  everyFrom: (duration: string, anchor: string) => `every ${duration} from ${anchor}`,
  after: (duration: string) => `${duration} after the end`,
  at: (count: number, first: string) => `${count} times from ${first}`,
  none: 'by hand',
}

describe('schedules', () => {
  test('an expression in words, in both languages, with 24 hours', () => {
    assert.equal(cronWords('0 9 * * MON-FRI', cronstrue, 'en'), 'At 09:00, Monday through Friday')
    assert.match(cronWords('30 14 1 * *', cronstrue, 'zh_CN') ?? '', /14:30/)
    assert.equal(cronWords('@daily', cronstrue, 'en'), 'At 00:00')
    assert.match(cronWords('*/10 * * * * *', cronstrue, 'en') ?? '', /10 seconds/)
  })

  test('of a day of the month and one of the week one is enough; what the mesh refuses has no words', () => {
    assert.equal(cronWords('0 9 13 * 5', cronstrue, 'en'), 'At 09:00, on day 13 of the month, or on Friday')
    assert.match(cronWords('0 9 13 * 5', cronstrue, 'zh_CN') ?? '', /或者/)
    assert.equal(cronWords('0 9 L * *', cronstrue, 'en'), 'At 09:00, on the last day of the month')
    assert.equal(cronWords('0 9 * * FRIL', cronstrue, 'en'), 'At 09:00, on the last Friday of the month')
    assert.equal(cronWords('0 9 * * 2#2', cronstrue, 'en'), 'At 09:00, on the second Tuesday of the month')
    for (const refused of ['0 9 LW * *', '0 9 15W * *', '0 9 L-3 * *', '0 9 * * MON#1,WED#3'])
      assert.equal(cronWords(refused, cronstrue, 'en'), undefined, refused)
  })

  test('what would be expanded for ever, is long or is no expression, has no words', () => {
    for (const expression of [
      '1--100000000 * * * *',
      '0-99999999 * * * *',
      `0 9 ${'1,'.repeat(200)}1 * *`,
      'nonsense',
      '',
      '<img> * * * *',
      '@reboot',
    ])
      assert.equal(cronWords(expression, cronstrue, 'en'), undefined, expression)
  })

  test('each kind has words', () => {
    const words = (schedule: unknown) => scheduleWords(schedule as Schedule | undefined, TEXTS, () => undefined)
    assert.deepEqual(
      [undefined, { everyMs: 5_400_000 }, { everyMs: 60_000, anchor: '09:00' }, { afterMs: 500 }, { at: ['a', 'b'] }, { cron: 'x' }].map(
        words,
      ),
      ['by hand', 'every 1h30m', 'every 1m from 09:00', '500ms after the end', '2 times from a', 'x'],
    )
  })

  test('another kind keeps what both have, and what is not known here', () => {
    const cron = { cron: '@daily', timezone: 'Asia/Calcutta', jitterMs: 5, dstGap: 'skip', later: 1 } as unknown as Schedule
    const every = withKind(cron, 'every', { timezone: 'UTC' })
    assert.deepEqual(every, { everyMs: 3_600_000, timezone: 'Asia/Calcutta', jitterMs: 5, later: 1 })
    assert.equal(kindOfSchedule(every), 'every')
    assert.equal(withKind(cron, 'cron', { timezone: 'UTC' }), cron)
    assert.equal(withKind(cron, 'none', { timezone: 'UTC' }), undefined)
    assert.deepEqual(withKind(undefined, 'cron', { timezone: 'Europe/Paris' }), { cron: '0 9 * * MON-FRI', timezone: 'Europe/Paris' })
    assert.deepEqual(Object.keys(withField(cron, 'jitterMs', undefined)), ['cron', 'timezone', 'dstGap', 'later'])
  })

  test('the stored zone is always a choice, and UTC too', () => {
    assert.deepEqual(zoneChoices(['Europe/Paris', 'Asia/Kolkata'], 'Asia/Calcutta', undefined, 'Europe/Paris'), [
      'UTC',
      'Asia/Calcutta',
      'Europe/Paris',
      'Asia/Kolkata',
    ])
  })

  test('a duration is read as it was written', () => {
    for (const ms of [0, 1, 500, 1_000, 5_400_000, 86_400_000, 90_061_001]) assert.equal(typedDuration(durationText(ms)), ms)
  })

  test('months begin on Monday, and hold the slots of their days', () => {
    const slots = ['2026-11-30 09:00:00', '2026-12-01 09:00:00', '2026-12-01 21:00:00'].map((local) => ({ local }))
    const [november, december, ...more] = monthsOf(slots)
    assert.equal(more.length, 0)
    assert.deepEqual([november?.month, november?.blanks, november?.days.length], ['2026-11', 6, 30])
    assert.deepEqual([december?.month, december?.blanks, december?.days.length], ['2026-12', 1, 31])
    assert.equal(december?.days[0]?.slots.length, 2)
    assert.equal(november?.days[29]?.slots.length, 1)
  })
})
