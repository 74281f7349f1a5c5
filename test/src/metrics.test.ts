/** Metrics as Prometheus reads them; the dashboard and the alert rules of `monitoring/` name what there is. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@carillon/wire/testing'
import { cliFor, startCli } from './support/carillon.ts'
import { Cleanup } from './support/cleanup.ts'
import { findPromtool } from './support/promtool.ts'

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url))
const read = (file: string) => readFileSync(path(file), 'utf8')
const RULES = 'monitoring/carillon-rules.yml'
const DASHBOARD = 'monitoring/grafana-dashboard.json'
/** Made by what should not happen, or by time. */
const RARE = ['carillon_messages_rejected_total', 'carillon_reports_refused_total', 'carillon_retention_removed_total']

const promtool = findPromtool()
const skip = 'skip' in promtool ? promtool.skip : false

function check(args: readonly string[], input?: string): void {
  const { status, stdout, stderr } = spawnSync('path' in promtool ? promtool.path : '', args, { encoding: 'utf8', input: input ?? '' })
  assert.equal(status, 0, `${stdout}\n${stderr}`)
}

/** Names of metrics in a text, as the series of histograms have them, too. */
const namesIn = (text: string) =>
  [...new Set([...text.matchAll(/\bcarillon_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')))].sort()

test('promtool accepts the alert rules and the configuration', { skip }, () => {
  check(['check', 'rules', path(RULES)])
  check(['check', 'config', path('monitoring/prometheus.yml')])
})

describe('a mesh that serves metrics', () => {
  const cleanup = new Cleanup({ after })
  let url = ''
  const scrape = async () => (await fetch(url)).text()
  const sampleOf = (text: string, series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1] ?? Number.NaN,
    )

  before(async () => {
    const mesh = startCli(cleanup, ['up', '--demo', '--data', cleanup.folder(), '--port', '0', '--metrics-port', '0'])
    cleanup.add('the end of the mesh', async () => {
      mesh.signal('SIGTERM')
      await mesh.exited
    })
    const [, http = ''] = await mesh.shows(/^ {2}console {4}(http:\S+)$/m)
    ;[, url = ''] = await mesh.shows(/^ {2}metrics {4}(http:\S+)$/m)
    const [, nats = ''] = await mesh.shows(/^Carillon is ready · (nats:\/\/\S+)$/m)
    const cli = cliFor(cleanup, nats)
    await cli(['run', 'hello', '{"name":"Ada"}'])
    await cli(['run', 'flaky', '--attempts', '3', '--backoff', 'fixed:10ms'])
    await cli(['jobs', 'put', 'pulse', '--handler', 'hello', '--every', '200ms', '--payload', '{"name":"Ada"}'])
    await fetch(`${http}/api/v1/namespaces/default/stats/overview`)
    await fetch(`${http}/nothing/of/ours`)
    await eventually('slots are fired, and counted', async () => {
      const text = await scrape()
      return sampleOf(text, 'carillon_slots_fired_total') > 2 && sampleOf(text, 'carillon_stats_lag_seconds') >= 0
    })
  })

  test('promtool accepts what it serves', { skip }, async () => check(['check', 'metrics'], await scrape()))

  test('docs/TELEMETRY.md names every metric, and no other', async () => {
    const served = namesIn(
      (await scrape())
        .split('\n')
        .filter((line) => line.startsWith('# TYPE'))
        .join('\n'),
    )
    const table = [...read('docs/TELEMETRY.md').matchAll(/^\| `carillon\.[a-z_.]+` \| `(carillon_[a-z_]+)` \|/gm)].map(
      ([, name]) => name as string,
    )
    assert.deepEqual(
      served.filter((name) => !RARE.includes(name)),
      table.filter((name) => !RARE.includes(name)).sort(),
    )
  })

  test('every metric of the dashboard and of the alert rules is served', async () => {
    const served = new Set(namesIn(await scrape()))
    for (const file of [DASHBOARD, RULES]) {
      const used = namesIn(read(file))
      assert.ok(used.length >= 6, file)
      assert.deepEqual(
        used.filter((name) => !served.has(name)),
        [],
        file,
      )
    }
    const panels = JSON.parse(read(DASHBOARD)).panels as { title: string; targets: { expr: string }[] }[]
    for (const { title, targets } of panels) for (const { expr } of targets) assert.ok(namesIn(expr).length > 0, title)
  })

  test('what is counted is what happened; a path that no route takes is no label', async () => {
    const text = await scrape()
    assert.equal(sampleOf(text, 'carillon_runs_ended_total{state="succeeded",namespace="default",job="flaky"}'), 1)
    assert.equal(sampleOf(text, 'carillon_attempts_total{outcome="retried"}'), 2)
    assert.equal(sampleOf(text, 'carillon_instances{namespace="default"}'), 1)
    assert.ok(sampleOf(text, 'carillon_event_loop_delay_seconds{stat="max"}') >= 0)
    assert.match(text, /carillon_http_requests_total\{method="GET",route="[^"]*\/stats\/overview",status="\d+"\} 1/)
    assert.ok(!text.includes('/nothing/of/ours'))
  })

  test('nothing else is served there', async () => {
    assert.equal((await fetch(url.replace('/metrics', '/'))).status, 404)
    assert.equal((await fetch(url, { method: 'POST' })).status, 404)
  })
})
