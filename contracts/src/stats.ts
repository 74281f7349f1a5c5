import * as z from 'zod'
import { nameField, timeField } from './fields.ts'
import { ENDED_STATES, type EndedState } from './lifecycle.ts'
import { reasonField } from './run.ts'
import { STATS_COMPARISONS, STATS_MARK_KINDS, STATS_RANGES, WAITING_REASONS } from './stats-names.ts'

const rangeField = z.enum(STATS_RANGES, `Use one of ${STATS_RANGES.join(', ')}.`).default('24h')
/** Where days begin; checked when it is used, the contracts do not know the time zones of this machine. */
const zoneField = z.string().max(64).default('UTC')

/** Absent: nothing is compared. */
const compareField = z.enum(STATS_COMPARISONS, `Use one of ${STATS_COMPARISONS.join(', ')}.`).optional()
const questionFields = { range: rangeField, zone: zoneField, compare: compareField }

export const statsOverviewSchema = z.strictObject(questionFields)
export const statsJobSchema = z.strictObject({ name: nameField, ...questionFields })

const count = z.int().min(0)
const states = z.object(
  Object.fromEntries(ENDED_STATES.map((state) => [state, count.exactOptional()])) as Record<EndedState, z.ZodExactOptional<typeof count>>,
)

/** Times in ms. Percentiles are those of a histogram whose bins are 4 % wide: at most 2 % off. */
const durationsSchema = z.object({
  /** How many were measured. With 0 the others are absent. */
  count,
  mean: z.number().exactOptional(),
  p50: z.number().exactOptional(),
  p95: z.number().exactOptional(),
  max: z.number().exactOptional(),
})
export type StatsDurations = Readonly<z.output<typeof durationsSchema>>

/** What is counted of runs, in the minute of their end. */
const countsSchema = z.object({
  ended: count,
  /** By the state in which they ended; a state without a run is absent. */
  states,
  /** Those that did not succeed, by reason. */
  reasons: z.partialRecord(reasonField, count),
  /** Those that had begun. */
  started: count,
  /** Attempts beyond the first one of each run. */
  retries: count,
  /** Slots that were fired more than 5 s after their time. */
  late: count,
  /** From the first start to the end. */
  runMs: durationsSchema,
  /** From when it was due to the first start. */
  waitMs: durationsSchema,
  /** From the planned time of a slot to its run. */
  lateMs: durationsSchema,
})
export type StatsCounts = Readonly<z.output<typeof countsSchema>>

/** A number that goes up and down, measured once a minute: the last one, and the highest. */
const gaugeSchema = z.object({ last: z.number(), max: z.number() })
const gaugesSchema = z.object({
  /** Tasks that run. */
  running: gaugeSchema,
  /** Tasks that wait for an instance; 10,000 is as far as it is counted. */
  queued: gaugeSchema,
  /** How long the oldest of them has waited. */
  oldestMs: gaugeSchema,
  /** Live instances. */
  instances: gaugeSchema,
})
export type StatsGauges = Readonly<z.output<typeof gaugesSchema>>

const pointSchema = z.object({
  /** The beginning of its interval. */
  at: timeField,
  ...countsSchema.shape,
  /** Absent where nothing was measured, and of a job. */
  gauges: gaugesSchema.exactOptional(),
})
export type StatsPoint = Readonly<z.output<typeof pointSchema>>

/** Failures with the same name and the same message, numbers and ids aside. */
const errorGroupSchema = z.object({
  /** The name of the error, and its message with `…` for numbers, ids, addresses and paths. */
  fingerprint: z.string(),
  name: z.string(),
  /** As it was the last time. */
  message: z.string(),
  count,
  firstAt: timeField,
  lastAt: timeField,
  /** The job, or the handler, whose run failed last. */
  job: z.string().exactOptional(),
  handler: z.string().exactOptional(),
  /** The run that failed last. */
  runId: z.string(),
})
export type ErrorGroup = Readonly<z.output<typeof errorGroupSchema>>

/** The same hours, earlier. */
const comparedSchema = z.object({
  /** Added to the time of a point, the time at which it is compared. A day on which clocks change has 23 or 25 hours. */
  offsetMs: z.number(),
  from: timeField,
  /** The end of the last point: also that is over. */
  to: timeField,
  /** May be longer than that of the statistic: what is older is kept more coarsely. Compare rates. */
  stepMs: z.number(),
  totals: countsSchema,
  points: z.array(z.object({ at: timeField, ...countsSchema.shape })).readonly(),
})
export type StatsCompared = Readonly<z.output<typeof comparedSchema>>

const markItemSchema = z.object({
  at: timeField,
  /** The job that was changed. */
  job: z.string().exactOptional(),
  revision: z.int().exactOptional(),
  /** Who changed it, as that party names itself. */
  by: z.string().exactOptional(),
  /** Of a version: who came with it, and what that offers. */
  service: z.string().exactOptional(),
  version: z.string().exactOptional(),
  handlers: z.array(z.string()).readonly().exactOptional(),
})

/** Changes of one kind in the interval of one point. */
const markSchema = z.object({
  /** When the first of them was made. */
  at: timeField,
  kind: z.enum(STATS_MARK_KINDS),
  count,
  /** There may be more than `count`: so many are kept. */
  isMore: z.literal(true).exactOptional(),
  /** The first 10. */
  items: z.array(markItemSchema).readonly(),
})
export type StatsMark = Readonly<z.output<typeof markSchema>>

const seriesFields = {
  range: z.enum(STATS_RANGES),
  zone: z.string(),
  /** The beginning of the first point. */
  from: timeField,
  to: timeField,
  /** Of a point; of days that of most. */
  stepMs: z.number(),
  /** Ends up to then are counted; absent before the first count. */
  countedAt: timeField.exactOptional(),
  countedMsAgo: z.number().exactOptional(),
  totals: countsSchema,
  /** One for each interval, also where nothing ended. */
  points: z.array(pointSchema).readonly(),
  /** The most frequent ones. */
  errors: z.array(errorGroupSchema).readonly(),
  /** What has changed meanwhile, by time: of a job its changes, and versions of services that offer its handler. */
  marks: z.array(markSchema).readonly(),
  /** Where it was asked for. */
  compared: comparedSchema.exactOptional(),
}

/** A job, or a handler whose runs were started without a job. */
const rankedSchema = z.object({
  job: z.string().exactOptional(),
  handler: z.string().exactOptional(),
  ended: count,
  /** Failed, timed out or expired. */
  failed: count,
  runMs: durationsSchema.pick({ count: true, mean: true, max: true }),
})
export type StatsRanked = Readonly<z.output<typeof rankedSchema>>

export const statsOverviewViewSchema = z.object({
  ...seriesFields,
  /** By the mean of their run time, the longest first. */
  slowest: z.array(rankedSchema).readonly(),
  /** Most failures first. */
  failing: z.array(rankedSchema).readonly(),
  /** The beginning of what these two count: of 7 and 30 days a whole day in UTC. */
  rankedFrom: timeField,
})
export type StatsOverview = Readonly<z.output<typeof statsOverviewViewSchema>>

export const statsJobViewSchema = z.object({ name: z.string(), ...seriesFields })
export type StatsJob = Readonly<z.output<typeof statsJobViewSchema>>

const queueSchema = z.object({
  handler: z.string(),
  /** All that wait for an instance or a gate: those that are delayed or paused apart. */
  waiting: count,
  /** `queued`: an instance will take them; `no-instance`: none may; `gate`: others have to end first. */
  reasons: z.partialRecord(z.enum(WAITING_REASONS), count),
  /** How long the oldest of `waiting` has waited. */
  oldestMs: z.number().exactOptional(),
  oldestRunId: z.string().exactOptional(),
  running: count,
  /** Live instances that offer it, and how many of these take work. */
  instances: count,
  available: count,
})
export type StatsQueue = Readonly<z.output<typeof queueSchema>>

const gateViewSchema = z.object({
  /** Of a gate of requests that give rules of their own: the handler. */
  job: z.string().exactOptional(),
  handler: z.string().exactOptional(),
  /** JSON text of the key, of a limit by key. */
  key: z.string().exactOptional(),
  waiting: count,
  oldestMs: z.number(),
  /** Open runs that have a place. */
  holders: count,
  /** How many may; absent: not limited so. */
  limit: count.exactOptional(),
  isFull: z.boolean(),
})
export type StatsGate = Readonly<z.output<typeof gateViewSchema>>

export const statsQueuesViewSchema = z.object({
  at: timeField,
  /** By name. */
  handlers: z.array(queueSchema).readonly(),
  /** Where runs wait; those with the most first. */
  gates: z.array(gateViewSchema).readonly(),
  /** More than 10,000 are open: the numbers are those of the oldest ones. */
  isCapped: z.literal(true).exactOptional(),
})
export type StatsQueues = Readonly<z.output<typeof statsQueuesViewSchema>>
