import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from '@carillon/sdk'
import { cliFor, startUp } from '../support/carillon.ts'
import { Cleanup } from '../support/cleanup.ts'

const FILE = `
- name: nightly
  handler: report
  schedule:
    cron: 30 2 * * *
    timezone: Europe/Paris
- name: pulse
  schedule:
    everyMs: 3600000
  payload:
    to: yes
- name: moved
  paused: true
  schedule:
    everyMs: 100
- name: asked
  items: [a, b]
`

/** What no schema finds, by the field that is wrong. */
const WRONG = [
  ['where', 'where: load.cpu <'],
  ['concurrencyKey', 'concurrencyKey: payload.a +'],
  ['throttle', 'throttle: {periodMs: 5000}\n  debounce: {periodMs: 5000}'],
  ['on.subject', 'on: {subject: carillon.default.api.>}'],
  ['on.filter', 'on: {subject: orders.created, filter: "1 + 1"}'],
  ['afterJobs', 'afterJobs: [{job: wrong}]'],
] as const

test('jobs as files: apply, export, apply again, --prune, and a wrong file that changes nothing', async () => {
  const cleanup = new Cleanup({ after })
  const { url } = await startUp(cleanup, { demo: false })
  const carillon = cliFor(cleanup, url)
  const folder = cleanup.folder()
  const file = join(folder, 'jobs.yaml')
  writeFileSync(file, FILE)
  const mesh = await connect({ servers: url, service: 'reader' })
  cleanup.add('reader', () => mesh.stop())
  const stored = async () => (await mesh.client.jobs.list()).items

  const dry = await carillon(['jobs', 'apply', '-f', file, '--dry-run'])
  assert.equal(dry.code, 0, dry.stderr)
  assert.match(dry.stdout, /^\+ nightly\n {4}\+ handler: "report"\n {4}\+ schedule\.cron: "30 2 \* \* \*"\n/)
  assert.match(dry.stdout, /\n4 to be created\. Nothing was changed: this was a dry run\.\n$/)
  assert.match((await carillon(['jobs', 'apply', '-f', file])).stdout, /\n4 created\.\n$/)
  const jobs = await stored()
  assert.deepEqual(
    jobs.map(({ name, state }) => [name, state]),
    [
      ['asked', 'active'],
      ['moved', 'paused'],
      ['nightly', 'active'],
      ['pulse', 'active'],
    ],
  )
  assert.deepEqual((await mesh.client.runs.list({ job: 'moved' })).items, [], 'a job that is to be paused never fires')

  const exported = await carillon(['jobs', 'export'])
  const calendars = '3600000\n    calendars:\n      - {rule: skip, calendar: nowhere}'
  const wrong = exported.stdout.replace('30 2 * * *', '30 25 * * *').replace('3600000', calendars)
  const refused = await carillon(['jobs', 'apply', '-f', '-'], { input: wrong })
  const line = wrong.split('\n').findIndex((text) => text.includes('cron')) + 1
  assert.equal(refused.code, 2)
  assert.match(
    refused.stderr,
    new RegExp(
      `^error INVALID_CRON: standard input:${line}: job "nightly": .* \\(wrong, too: line ${line + 7}\\); nothing is applied\n  field: schedule\\.cron\n`,
    ),
  )
  assert.deepEqual(await stored(), jobs)

  for (const [field, text] of WRONG) {
    const file = `- name: right\n- name: wrong\n  ${text}\n`
    for (const flags of [['--dry-run'], []]) {
      const wrong = await carillon(['jobs', 'apply', '-f', '-', ...flags], { input: file })
      assert.match(
        wrong.stderr,
        new RegExp(`^error INVALID_[A-Z]+: standard input:3: job "wrong": .*nothing is applied\n {2}field: ${field}\n`, 's'),
      )
    }
    assert.deepEqual(await stored(), jobs, text)
  }

  const again = await carillon(['jobs', 'apply', '--prune', '-f', '-'], { input: exported.stdout })
  assert.equal(again.stdout, 'Nothing to change: all 4 jobs are as in the file.\n')
  assert.deepEqual(await stored(), jobs)

  const fewer = (await carillon(['jobs', 'export', '--json'])).json<{ name: string; attempts?: number }[]>()
  assert.deepEqual(fewer[0], { name: 'asked', items: ['a', 'b'] })
  writeFileSync(file, JSON.stringify([{ ...fewer[2], attempts: 3 }]))
  const changed = await carillon(['jobs', 'apply', '-f', file, '--prune', '--json'])
  const outcome = changed.json<{ jobs: { name: string; action: string }[] }>()
  assert.deepEqual(
    outcome.jobs.map(({ name, action }) => `${action} ${name}`),
    ['change nightly', 'remove asked', 'remove moved', 'remove pulse'],
  )
  assert.deepEqual(
    (await stored()).map(({ name, attempts }) => [name, attempts]),
    [['nightly', 3]],
  )

  const importing = ['jobs', 'import', '--from', 'crontab', '-', '--timezone', 'Europe/Paris', '--apply']
  const imported = await carillon(importing, { input: '* * * * * date -u\n' })
  assert.equal(imported.code, 0, imported.stderr)
  assert.match(imported.stderr, /^carried {2}line 1 → date\n1 carried, 0 changed, 0 left out\. All jobs are paused/)
  assert.match(imported.stdout, /^\+ date\n.*\n1 created\.\n$/s)
  assert.equal((await mesh.client.jobs.get('date')).state, 'paused')
})

test('parents in a file: a circle is refused before any job is put, and parents may change places', async () => {
  const cleanup = new Cleanup({ after })
  const { url } = await startUp(cleanup, { demo: false })
  const carillon = cliFor(cleanup, url)
  const apply = (input: string) => carillon(['jobs', 'apply', '-f', '-'], { input })

  const circle = await apply('- name: a\n  afterJobs: [{job: b}]\n- name: b\n  afterJobs: [{job: a}]\n')
  assert.match(
    circle.stderr,
    /^error INVALID_REQUEST: standard input:2: job "a": afterJobs is wrong: a → b → a: .* \(wrong, too: line 4\); nothing/,
  )
  assert.equal((await carillon(['jobs', 'list'])).stdout.includes('active'), false)

  assert.match((await apply('- name: a\n  afterJobs: [{job: b}]\n- name: b\n')).stdout, /\n2 created\.\n$/)
  const overStored = await apply('- name: b\n  afterJobs: [{job: a}]\n')
  assert.match(overStored.stderr, /standard input:2: job "b": afterJobs is wrong: b → a → b/)
  const swapped = await apply('- name: b\n  afterJobs: [{job: a}]\n- name: a\n')
  assert.match(swapped.stdout, /\n2 changed\.\n$/, swapped.stderr)
})
