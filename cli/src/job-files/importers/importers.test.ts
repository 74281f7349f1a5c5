import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CarillonError } from '@carillon/contracts'
import { keepingTerminal } from '../../output/testing-terminal.ts'
import { planApply } from '../plan-apply.ts'
import { readJobsFile } from '../read-jobs-file.ts'
import { jobsText } from '../write-jobs-file.ts'
import { readCsv } from './csv.ts'
import { importJobs, printReport } from './import-jobs.ts'
import type { ImportOptions, ImportSource } from './import-result.ts'
import { rowsOfDump } from './sql-dump.ts'

const OPTIONS = { timezone: 'Europe/Paris', userColumn: true }
const golden = (name: string) => readFileSync(new URL(`../../../src/job-files/importers/golden/${name}`, import.meta.url), 'utf8')

const FILES: readonly [ImportSource, string][] = [
  ['xxl-job', 'xxl-job.sql'],
  ['snail-job', 'snail-job.json'],
  ['crontab', 'crontab.txt'],
  ['bullmq', 'bullmq.jsonl'],
]
for (const [source, file] of FILES)
  test(`${file}: each trap of it is carried, changed or left out as written down`, () => {
    const { jobs, report } = importJobs(source, golden(file), OPTIONS)
    const { terminal, stderr } = keepingTerminal()
    printReport(terminal, report)
    assert.equal(jobsText(jobs), golden(`${source}.yaml`))
    assert.equal(stderr.join(''), golden(`${source}.report.txt`))
    assert.ok(jobs.every(({ paused }) => paused))
    assert.deepEqual(importJobs(source, golden(file), OPTIONS), importJobs(source, golden(file), OPTIONS))
    assert.deepEqual(
      readJobsFile(jobsText(jobs), 'jobs').map(({ written }) => written),
      jobs,
    )
  })

test('the table of XXL-JOB as CSV gives the same as its dump, also with the columns of 3.5', () => {
  const columns = 'id,name,schedule_type,schedule_conf,misfire_strategy,executor_handler,executor_param,glue_type,trigger_status'
  const csv = `\ufeff${columns}\r\n1,"nightly, ""late""",CRON,0 30 2 ? * 2-6,DO_NOTHING,bills,"a\nb",BEAN,1\r\n2,plain,NONE,NULL,DO_NOTHING,bills,\\N,BEAN,1\r\n`
  const { jobs } = importJobs('xxl-job', csv, OPTIONS)
  assert.deepEqual(jobs, [
    {
      name: 'nightly-late',
      handler: 'bills',
      description: 'nightly, "late"',
      schedule: { cron: '0 30 2 * * 1-5', timezone: 'Europe/Paris' },
      payload: 'a\nb',
      misfire: 'skip',
      paused: true,
    },
    { name: 'plain', handler: 'bills', description: 'plain', paused: true },
  ])
})

interface Refusal {
  readonly field: string
  readonly message: RegExp
  readonly options?: ImportOptions
}

const isRefused = (source: ImportSource, text: string, { field, message, options = OPTIONS }: Refusal) =>
  assert.throws(
    () => importJobs(source, text, options),
    (error) => CarillonError.is(error) && error.code === 'INVALID_REQUEST' && error.details.field === field && message.test(error.message),
  )

test('a zone is demanded where the file has none, and only there', () => {
  const without = { timezone: undefined, userColumn: false }
  const zone = { field: '--timezone', message: /--timezone is missing/, options: without }
  isRefused('xxl-job', golden('xxl-job.sql'), zone)
  isRefused('snail-job', golden('snail-job.json'), zone)
  isRefused('crontab', '0 9 * * * date\n', zone)
  isRefused('bullmq', golden('bullmq.jsonl'), zone)
  assert.equal(importJobs('crontab', 'CRON_TZ=Asia/Tokyo\n0 9 * * * date\n', without).jobs.length, 1)
  assert.equal(importJobs('bullmq', '{"queue":"b:q:repeat","id":"a","hash":{"name":"a","every":"1000"}}', without).jobs.length, 1)
})

test('a file of another kind is refused', () => {
  isRefused('xxl-job', 'a,b\n1,2\n', { field: 'file', message: /no column schedule_type/ })
  isRefused('xxl-job', '[]', { field: 'file', message: /no column schedule_type/ })
  isRefused('xxl-job', "INSERT INTO other (id) VALUES ('1');", { field: 'file', message: /columns of xxl_job_info/ })
  isRefused('xxl-job', 'id,schedule_type,executor_handler\n1,"open', { field: 'file', message: /record 2 .* not closed/ })
  isRefused('xxl-job', 'id,schedule_type\n1,2,3\n', { field: 'file', message: /record 2 has 3 values for 2 columns/ })
  isRefused('xxl-job', "INSERT INTO xxl_job_info VALUES (1,'a');", { field: 'file', message: /does not say what the columns/ })
  isRefused('xxl-job', "INSERT INTO xxl_job_info (id, job_desc) VALUES (1,'cut off", { field: 'file', message: /ends within a statement/ })
  isRefused('xxl-job', 'INSERT INTO xxl_job_info (id, job_desc) VALUES (1);', { field: 'file', message: /has 1 values for 2 columns/ })
  isRefused('snail-job', '{"id":1}', { field: 'file', message: /no JSON array/ })
  isRefused('bullmq', '1) "daily"', { field: 'file', message: /line 1 is no scheduler/ })
})

test('values of SQL and CSV', () => {
  const dump =
    "INSERT IGNORE INTO db.`t` (`a`, `b`) VALUES ('it''s \\'x\\' \\\\', NULL),\n (-1.5, _binary 'y;(');insert into t (a,b) values ('', 0x41);"
  assert.deepEqual(
    rowsOfDump(dump, 't').map((row) => [row.get('a'), row.get('b')]),
    [
      ["it's 'x' \\", null],
      ['-1.5', 'y;('],
      ['', '0x41'],
    ],
  )
  assert.deepEqual(
    readCsv('a,b\n"NULL",\n\n,"x""y"').rows.map((row) => [row.get('a'), row.get('b')]),
    [
      ['NULL', ''],
      ['', 'x"y'],
    ],
  )
})

test('long values are read', () => {
  const long = "it''s\\n".repeat(100_000)
  assert.equal(rowsOfDump(`INSERT INTO t (a) VALUES ('${long}');`, 't')[0]?.get('a')?.length, 500_000)
  assert.equal(readCsv(`a\n"${'x""\n'.repeat(100_000)}"`).rows[0]?.get('a')?.length, 300_000)
  assert.throws(() => rowsOfDump(`INSERT INTO t (a) VALUES ('${long}`, 't'), { code: 'INVALID_REQUEST' })
  assert.throws(() => readCsv(`a\n"${'x""\n'.repeat(100_000)}`), { code: 'INVALID_REQUEST' })
})

test('a crontab without a user column', () => {
  const { jobs } = importJobs('crontab', '0 9 * * * /bin/date -u\n', { timezone: 'UTC', userColumn: false })
  assert.deepEqual(jobs[0]?.payload, { command: '/bin/date', args: ['-u'] })
})

test('imported again, a job that was resumed meanwhile stays as it is', () => {
  const [job] = readJobsFile('- {name: a, paused: true}', 'jobs')
  assert.ok(job)
  const stored = {
    name: 'a',
    handler: 'a',
    state: 'active',
    mode: 'single',
    attempts: 1,
    misfire: 'once',
    revision: 1,
    createdAt: '',
    updatedAt: '',
  } as const
  const backoff = { type: 'exponential', delayMs: 1_000, factor: 2, maxMs: 300_000 } as const
  const actions = (pausesNewOnly: boolean) =>
    planApply([job], [{ ...stored, backoff }], { prune: false, pausesNewOnly }).map(({ action }) => action)
  assert.deepEqual([actions(true), actions(false)], [['unchanged'], ['change']])
})
