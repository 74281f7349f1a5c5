import type { JobState, JobView } from '@carillon/contracts'
import { now } from '../clock.ts'
import { nodesText } from '../output/node-text.ts'
import { scheduleText } from '../output/schedule-text.ts'
import { printFields } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import { harmless, type Terminal, type Tone } from '../output/terminal.ts'
import { exactSpanText, relativeText, timeText, tookText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'
import { gatingText } from './gating-options.ts'

const DELAYS_SHOWN = 8
const TONES: Readonly<Record<JobState, Tone>> = { active: 'good', paused: 'warning', finished: 'quiet' }

/** The columns of `jobs list`. */
export function jobColumns(): Column<JobView>[] {
  const nowMs = now()
  return [
    { heading: 'JOB', text: (job) => job.name, narrow: 'whole' },
    { heading: 'HANDLER', text: (job) => (job.handler === job.name ? '' : job.handler) },
    { heading: 'STATE', text: (job) => job.state, tone: (job) => TONES[job.state], narrow: 'whole' },
    { heading: 'SCHEDULE', text: (job) => scheduleText(job.schedule) },
    { heading: 'NEXT', text: (job) => timeText(job.nextAt, nowMs), brief: (job) => relativeText(job.nextAt, nowMs) },
    { heading: 'DESCRIPTION', text: (job) => job.description ?? '' },
  ]
}

/** What a schedule says otherwise than it may have been meant. */
export function printWarnings(terminal: Terminal, warnings: readonly string[] = []): void {
  for (const warning of warnings) terminal.note(`${terminal.paint('warning', 'warning')} ${harmless(warning)}`)
}

/** One job, field by field. */
export function printJob(terminal: Terminal, job: JobView): void {
  const nowMs = now()
  printWarnings(terminal, job.warnings)
  printFields(terminal, job, [
    ['job', job.name],
    ['handler', job.workflow ? undefined : job.handler],
    ['state', job.state],
    ['description', job.description],
    ['schedule', scheduleText(job.schedule) || 'none: it fires when asked'],
    ['on', job.on?.subject],
    ['filter', job.on?.filter],
    ['map', job.on?.map],
    ['after', (job.afterJobs ?? []).map(({ job: parent, when }) => `${parent} ${when}`).join(', ') || undefined],
    ['next', timeText(job.nextAt, nowMs)],
    ['payload', job.payload === undefined ? undefined : JSON.stringify(job.payload)],
    ['mode', modeText(job)],
    ['attempts', job.attempts > 1 ? `${job.attempts}, ${backoffText(job)}` : '1'],
    ['timeout', job.timeoutMs === undefined ? undefined : exactSpanText(job.timeoutMs)],
    ['run timeout', job.runTimeoutMs === undefined ? undefined : exactSpanText(job.runTimeoutMs)],
    ['deadline', job.deadlineMs === undefined ? undefined : exactSpanText(job.deadlineMs)],
    ['priority', job.priority],
    ['route', routeText(job)],
    ['misfire', job.misfireAfterMs === undefined ? job.misfire : `${job.misfire}, after ${exactSpanText(job.misfireAfterMs)}`],
    ['overlap', gatingText(job) || undefined],
    ['failures', failuresText(job)],
    ['note', job.note],
    ['declared', declaredText(job)],
    ['changed by', job.by],
    ['data', job.data === undefined ? undefined : JSON.stringify(job.data)],
    ['runs', statsText(job)],
    ['created', timeText(job.createdAt, nowMs)],
    ['updated', timeText(job.updatedAt, nowMs)],
  ])
}

function declaredText({ name, version, edited }: JobView): string | undefined {
  if (version === undefined) return undefined
  return edited
    ? `version ${version}, but it was edited since; to let the code decide: ${CARILLON} jobs release ${name}`
    : `version ${version}`
}

function modeText({ mode, shards, maxParallel, tolerate, workflow }: JobView): string {
  const parts = [
    ...(workflow ? [`workflow of ${nodesText(workflow.nodes.length)}`] : []),
    mode === 'shards' ? `${shards} shards` : mode === 'workflow' ? '' : mode,
    mode === 'map-reduce' && shards !== undefined ? `${shards} reduce tasks` : '',
    maxParallel === undefined ? '' : `${maxParallel} at once`,
    tolerate === undefined ? '' : `${tolerate} may fail`,
  ]
  return parts.filter(Boolean).join(', ')
}

function routeText({ labels = {}, where, route, instances, hashKey }: JobView): string | undefined {
  const parts = [
    route,
    instances?.join(', '),
    hashKey === undefined ? undefined : `by ${hashKey}`,
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
    where === undefined ? undefined : `where ${where}`,
  ]
  return parts.filter(Boolean).join(', ') || undefined
}

function failuresText({ pauseAfterFailures, failureBackoff }: JobView): string {
  const parts = [
    pauseAfterFailures === undefined ? '' : `pause after ${pauseAfterFailures} in a row`,
    failureBackoff ? `after ${failureBackoff.afterFailures} in a row ${exactSpanText(failureBackoff.stepMs)} later for each` : '',
  ]
  return parts.filter(Boolean).join(', ')
}

function statsText({ stats }: JobView): string | undefined {
  if (!stats || stats.succeeded + stats.failed === 0) return undefined
  const { succeeded, failed, failuresInRow, averageMs, p95Ms } = stats
  const parts = [
    `${succeeded} succeeded`,
    `${failed} failed`,
    failuresInRow > 0 ? `the last ${failuresInRow} in a row` : '',
    averageMs === undefined ? '' : `${tookText(averageMs)} on average`,
    p95Ms === undefined ? '' : `95 % within ${tookText(p95Ms)}`,
  ]
  return parts.filter(Boolean).join(', ')
}

function backoffText({ backoff, nonRetryable = [] }: JobView): string {
  const jitter = 'jitter' in backoff && backoff.jitter ? `up to ${Math.round(backoff.jitter * 100)} % sooner` : ''
  return [waitsText(backoff), jitter, nonRetryable.length > 0 ? `not after ${nonRetryable.join(', ')}` : ''].filter(Boolean).join(', ')
}

function waitsText(backoff: JobView['backoff']): string {
  if (backoff.type === 'cron') return `at the next time of ${backoff.cron} ${backoff.timezone}`
  if (backoff.type === 'random') return `${exactSpanText(backoff.minMs)} to ${exactSpanText(backoff.maxMs)} apart`
  if (backoff.type === 'list') return `after ${listText(backoff.delaysMs.map(exactSpanText))}`
  if (backoff.type === 'fixed') return `${exactSpanText(backoff.delayMs)} apart`
  return `first after ${exactSpanText(backoff.delayMs)}, then × ${backoff.factor} up to ${exactSpanText(backoff.maxMs)}`
}

const listText = (delays: readonly string[]) =>
  delays.length > DELAYS_SHOWN ? `${delays.slice(0, DELAYS_SHOWN - 1).join(', ')} and so on, ${delays.length} delays` : delays.join(', ')
